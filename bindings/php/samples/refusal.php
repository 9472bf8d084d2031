<?php

/**
 * Links one mini program and shows how a program decides what to do when it is refused: by the error's
 * class, not by WeChat's many errcodes.
 *
 *     WXLINK_TOKEN=... refusal APPID
 *
 * WXLINK_BASE_URL, if set, leads elsewhere than to WeChat: to the sandbox, say. Exits with 0 if it is
 * done, 1 if people must act, 3 if another token is needed, 4 if it will do later, 5 if nobody knows, 2
 * if called wrongly.
 */

declare(strict_types=1);

use Wxlink\Client;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/../wxlink.php';

$token = getenv('WXLINK_TOKEN');
$baseUrl = getenv('WXLINK_BASE_URL');

if ($token === false || $argc !== 2) {
    fwrite(STDERR, "usage: WXLINK_TOKEN=... refusal APPID\n");
    exit(2);
}
try {
    $client = new Client($baseUrl === false ? [] : ['base_url' => $baseUrl]);
    $client->linkMiniprogram($token, $argv[1], notifyUsers: false, showProfile: true);
    echo "done: the invitation is out\n";
} catch (WxException $e) {
    if ($e->status === Status::BAD_OPTION) {
        fwrite(STDERR, $e->getMessage() . "\n");
        exit(2);
    }
    $message = $e->getMessage();
    [$line, $code] = match ($e->errorClass) {
        'ok', 'pending' => ["done: $message", 0],
        'token' => ['token: get another access token, then call again', 3],
        'busy' => ['busy: wait a little, then call again', 4],
        'quota' => ['quota: call again when it is renewed', 4],
        'action_required', 'invalid_request' => ["$e->errorClass: $message", 1],
        // No answer, or a code nobody has described: the list tells what became of it.
        default => ["unknown: $message", 5],
    };
    echo "$line\n";
    exit($code);
}
