<?php

/**
 * Links one mini program and decides by the error's class, not by WeChat's many errcodes, what to
 * do after a refusal.
 *
 *     WXLINK_ACCESS_TOKEN=... refusal APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0 if
 * the mini program is linked or on its way, 1 if a person must act first, 2 after wrong arguments
 * or options, 3 if another token is needed, 4 if the call may be repeated later, 5 if the outcome
 * is unknown.
 */

declare(strict_types=1);

use Wxlink\Client;
use Wxlink\ErrorClass;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/../wxlink.php';

$token = getenv('WXLINK_ACCESS_TOKEN');
$baseUrl = getenv('WXLINK_BASE_URL');

if ($token === false || $argc !== 2) {
    fwrite(STDERR, "usage: WXLINK_ACCESS_TOKEN=... refusal APPID\n");
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
        ErrorClass::Ok, ErrorClass::Pending => ["done: $message", 0],
        ErrorClass::Token => ['token: get another access token, then call again', 3],
        ErrorClass::Busy => ['busy: wait a little, then call again', 4],
        ErrorClass::Quota => ['quota: call again when it is renewed', 4],
        ErrorClass::ActionRequired, ErrorClass::InvalidRequest
            => ["{$e->errorClass->value}: $message", 1],
        // No answer, or an unknown errcode: read the list before linking again.
        default => ["unknown: $message", 5],
    };
    echo "$line\n";
    exit($code);
}
