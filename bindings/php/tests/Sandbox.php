<?php

declare(strict_types=1);

/**
 * The WeChat simulator that tools/with_sandbox.py started, and its admin interface. All tests share
 * it, one after the other: each resets it first.
 */
final class Sandbox
{
    public readonly string $http;
    public readonly string $https;
    public readonly string $caFile;
    private readonly string $admin;

    public function __construct()
    {
        $this->http = self::address('WXLINK_BASE_URL');
        $this->https = self::address('WXLINK_SANDBOX_HTTPS');
        $this->caFile = self::address('WXLINK_SANDBOX_CA_FILE');
        $this->admin = self::address('WXLINK_SANDBOX_ADMIN');
    }

    private static function address(string $variable): string
    {
        $value = getenv($variable);
        if ($value === false) {
            throw new RuntimeException("$variable is not set: run bindings/php/test.sh");
        }
        return $value;
    }

    /** Sends one request to the admin interface and returns the JSON of the response. */
    public function admin(string $method, string $path, ?array $body = null): mixed
    {
        $context = stream_context_create(['http' => [
            'method' => $method,
            'header' => 'Content-Type: application/json',
            'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
        ]]);
        return json_decode(file_get_contents($this->admin . $path, false, $context), true);
    }

    /** Makes the next request to an endpoint fail in a certain way. */
    public function fault(string $endpoint, string|array $fault, string $when = 'before'): void
    {
        $rule = ['endpoint' => $endpoint, 'when' => $when, 'fault' => $fault];
        $this->admin('POST', 'faults', $rule);
    }

    public function agree(string $account, string $appid, string $by): void
    {
        $this->admin('POST', 'approvals', [
            'account' => $account, 'appid' => $appid, 'by' => $by, 'decision' => 'agree',
        ]);
    }

    /** How many requests to an endpoint have arrived since the reset. */
    public function received(string $endpoint): int
    {
        return $this->admin('GET', 'journal/counts')['received'][$endpoint];
    }
}
