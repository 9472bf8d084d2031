<?php

/**
 * Prints the status of a client made before a fork, in the child and in the parent: fork.php
 * BASE_URL.
 */

declare(strict_types=1);

require __DIR__ . '/../wxlink.php';

$client = new Wxlink\Client(['base_url' => $argv[1]]);
$client->getLinked('SANDBOX-TOKEN');

$child = pcntl_fork();
try {
    $status = Wxlink\Status::name($client->getLinked('SANDBOX-TOKEN')->status);
} catch (Wxlink\WxException $e) {
    $status = $e->statusName;
}
if ($child === 0) {
    $own = new Wxlink\Client(['base_url' => $argv[1]]);
    $itself = Wxlink\Status::name($own->getLinked('SANDBOX-TOKEN')->status);
    echo "child $status, a new client $itself\n";
} else {
    pcntl_waitpid($child, $code);
    echo "parent $status, child's exit code $code\n";
}
