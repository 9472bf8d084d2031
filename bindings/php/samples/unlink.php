<?php

/**
 * Asks to unlink one mini program from an Official Account.
 *
 *     WXLINK_ACCESS_TOKEN=... unlink APPID
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0 if
 * the administrator has been asked, now or before, 1 if not, 2 after wrong arguments or options.
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
    fwrite(STDERR, "usage: WXLINK_ACCESS_TOKEN=... unlink APPID\n");
    exit(2);
}
try {
    $client = new Client($baseUrl === false ? [] : ['base_url' => $baseUrl]);
    $client->unlinkMiniprogram($token, $argv[1]);
    echo "The Official Account's administrator has been asked.\n";
} catch (WxException $e) {
    $asked = in_array($e->errorClass, [ErrorClass::Ok, ErrorClass::Pending], true);
    fwrite($asked ? STDOUT : STDERR, $e->getMessage() . "\n");
    exit($asked ? 0 : ($e->status === Status::BAD_OPTION ? 2 : 1));
}
