<?php

declare(strict_types=1);

/** A sandbox of its own, and its admin interface. Ends with the last reference to it. */
final class Sandbox
{
    public readonly string $http;
    public readonly string $https;
    public readonly string $caFile;
    private readonly string $admin;

    /** @var resource */
    private $process;

    public function __construct()
    {
        $command = [getenv('WXLINK_LIB_DIR') . '/wxlink-sandbox'];
        $this->process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
        $line = json_decode(fgets($pipes[1]), true, flags: JSON_THROW_ON_ERROR);
        $this->http = $line['http'];
        $this->https = $line['https'];
        $this->caFile = $line['ca_file'];
        $this->admin = $line['admin'];
    }

    public function __destruct()
    {
        proc_terminate($this->process);
        proc_close($this->process);
    }

    /** One request to the admin interface. */
    public function admin(string $method, string $path, ?array $body = null): mixed
    {
        $context = stream_context_create(['http' => [
            'method' => $method,
            'header' => 'Content-Type: application/json',
            'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
        ]]);
        return json_decode(file_get_contents($this->admin . $path, false, $context), true);
    }

    /** Makes something go wrong once, at that endpoint. */
    public function fault(string $endpoint, string|array $fault, string $when = 'before'): void
    {
        $this->admin('POST', 'faults', ['endpoint' => $endpoint, 'when' => $when, 'fault' => $fault]);
    }

    public function agree(string $account, string $appid, string $by): void
    {
        $this->admin('POST', 'approvals', [
            'account' => $account, 'appid' => $appid, 'by' => $by, 'decision' => 'agree',
        ]);
    }

    /** How many requests to that endpoint have arrived since the reset. */
    public function received(string $endpoint): int
    {
        return $this->admin('GET', 'journal/counts')['received'][$endpoint];
    }
}
