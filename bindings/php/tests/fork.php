<?php

/** Prints what a client made before a fork answers in the child, then in the parent: fork.php BASE_URL. */

declare(strict_types=1);

require __DIR__ . '/../wxlink.php';

$client = new Wxlink\Client(['base_url' => $argv[1]]);
$client->getLinked('SANDBOX-TOKEN');

$child = pcntl_fork();
try {
    $says = Wxlink\Status::name($client->getLinked('SANDBOX-TOKEN')->status);
} catch (Wxlink\WxException $e) {
    $says = $e->statusName;
}
if ($child === 0) {
    $own = new Wxlink\Client(['base_url' => $argv[1]]);
    $itself = Wxlink\Status::name($own->getLinked('SANDBOX-TOKEN')->status);
    echo "child $says, with a client of its own $itself\n";
} else {
    pcntl_waitpid($child, $code);
    echo "parent $says, child's exit code $code\n";
}
