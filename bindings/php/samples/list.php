<?php

/**
 * Lists the mini programs linked to an Official Account, and those on their way.
 *
 *     WXLINK_ACCESS_TOKEN=... list
 *
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0, 1
 * if the list could not be read, 2 after wrong arguments or options.
 */

declare(strict_types=1);

use Wxlink\Client;
use Wxlink\LinkStatus;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/../wxlink.php';

const ROW = "  %-18s  %-18s  %-48s  %s\n";

/** Every field may be missing. */
function orDash(?string $text): string
{
    return $text === null || $text === '' ? '-' : $text;
}

function statusText(?int $status): string
{
    return match ($status) {
        LinkStatus::LINKED => 'linked',
        LinkStatus::AWAITING_MINI_PROGRAM => "waiting for the mini program's administrator",
        LinkStatus::REFUSED => "refused by the mini program's administrator",
        LinkStatus::AWAITING_OFFICIAL_ACCOUNT =>
            "waiting for the Official Account's administrator",
        null => '-',
        default => (string) $status,
    };
}

$token = getenv('WXLINK_ACCESS_TOKEN');
$baseUrl = getenv('WXLINK_BASE_URL');

if ($token === false) {
    fwrite(STDERR, "usage: WXLINK_ACCESS_TOKEN=... list\n");
    exit(2);
}
try {
    $client = new Client($baseUrl === false ? [] : ['base_url' => $baseUrl]);
    $items = $client->getLinked($token)->items;
} catch (WxException $e) {
    fwrite(STDERR, $e->getMessage() . "\n");
    exit($e->status === Status::BAD_OPTION ? 2 : 1);
}

printf(ROW, 'APPID', 'ORIGINAL ID', 'STATUS', 'NAME');
foreach ($items as $item) {
    printf(
        ROW,
        orDash($item->appid),
        orDash($item->username),
        statusText($item->status),
        orDash($item->nickname),
    );
}
if ($items === []) {
    echo "  (none)\n";
}
