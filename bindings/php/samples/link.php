<?php

/**
 * Links one mini program to an Official Account.
 *
 *     WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE
 *
 * The token comes from the environment, because every user of the machine can see arguments.
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0 if
 * the mini program is linked or on its way, 1 if not, 2 after wrong arguments or options.
 */

declare(strict_types=1);

use Wxlink\Client;
use Wxlink\ErrorClass;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/../wxlink.php';

$token = getenv('WXLINK_ACCESS_TOKEN');
$baseUrl = getenv('WXLINK_BASE_URL');

if ($token === false || $argc !== 4 || array_diff([$argv[2], $argv[3]], ['0', '1'])) {
    fwrite(STDERR, "usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1) "
        . "SHOW_PROFILE(0|1)\n");
    exit(2);
}
try {
    $client = new Client($baseUrl === false ? [] : ['base_url' => $baseUrl]);
    $client->linkMiniprogram(
        $token,
        $argv[1],
        notifyUsers: $argv[2] === '1',
        showProfile: $argv[3] === '1',
    );
    echo "The invitation is out.\n";
} catch (WxException $e) {
    $onItsWay = in_array($e->errorClass, [ErrorClass::Ok, ErrorClass::Pending], true);
    fwrite($onItsWay ? STDOUT : STDERR, $e->getMessage() . "\n");
    exit($onItsWay ? 0 : ($e->status === Status::BAD_OPTION ? 2 : 1));
}
