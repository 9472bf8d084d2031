<?php

/**
 * Makes the calls of the shared test vectors: one request per line on stdin, one answer per line on
 * stdout. tests/conformance.rs describes the lines.
 */

declare(strict_types=1);

use Wxlink\Client;
use Wxlink\Delivery;
use Wxlink\Library;
use Wxlink\MiniProgram;
use Wxlink\Result;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/wxlink.php';

/** @return array<string, string|int> */
function replyTo(string $verb, array $request): array
{
    try {
        return match ($verb) {
            'option' => setOption($request['key'], $request['value']),
            'errcodes' => explain((int) $request['errcode'], $request['endpoint']),
            default => resultFields($verb, call($verb, $request)),
        };
    } catch (WxException $e) {
        return resultFields($verb, $e->result);
    } catch (ValueError $e) {
        // The binding refuses what C would not receive unchanged, before it calls the library.
        return [
            'status' => Status::name(Status::BAD_VALUE),
            'delivery' => word(Delivery::NeverSent),
            'message' => $e->getMessage(),
        ];
    }
}

function setOption(string $key, string $value): array
{
    $ffi = Library::ffi();
    $options = $ffi->wx_options_new();
    $reply = [
        'status' => Status::name($ffi->wx_options_set($options, $key, $value)),
        'message' => $ffi->wx_options_message($options),
    ];
    $ffi->wx_options_free($options);
    return $reply;
}

function explain(int $errcode, string $endpoint): array
{
    $reply = [];
    foreach (['name', 'class', 'meaning', 'remedy'] as $field) {
        $reply[$field] = Library::errcodeText($endpoint, $errcode, $field);
    }
    $status = $reply['name'] === '' ? Status::NOT_FOUND : Status::OK;
    return ['status' => Status::name($status)] + $reply;
}

function call(string $verb, array $request): Result
{
    $options = [];
    foreach ($request as $key => $value) {
        if (str_starts_with($key, 'option.')) {
            $options[substr($key, strlen('option.'))] = $value;
        }
    }
    $client = new Client($options);
    $token = $request['access_token'] ?? '';
    $appid = $request['appid'] ?? '';
    $flags = [(bool) ($request['notify_users'] ?? 0), (bool) ($request['show_profile'] ?? 0)];
    $waitMs = (int) ($request['wait_ms'] ?? 0);
    return match ($verb) {
        'link' => $client->linkMiniprogram($token, $appid, ...$flags),
        'get' => $client->getLinked($token),
        'unlink' => $client->unlinkMiniprogram($token, $appid),
        'ensure' => $client->ensureLinked($token, $appid, $flags[0], $flags[1], $waitMs),
        'wait' => $client->waitLinked($token, $appid, $waitMs),
        'push' => $client->acceptPush($request['query'], $request['body']),
    };
}

function resultFields(string $verb, Result $result): array
{
    $isAnswered = in_array($result->status, [Status::OK, Status::API], true);
    return ['status' => Status::name($result->status)]
        + ($isAnswered ? ['errcode' => $result->errcode] : [])
        + [
            'class' => $result->errorClass->value,
            'delivery' => word($result->delivery),
            'http_status' => $result->httpStatus,
            'rid' => $result->rid,
            'message' => $result->message,
            'body' => $result->json,
        ]
        + match ($verb) {
            'ensure', 'wait' => [
                'state' => $result->state->value,
                'waits_for' => $result->waitsFor->value,
                'posts' => $result->posts,
            ],
            'get' => $result->status === Status::OK ? itemFields($result->items) : [],
            default => [],
        };
}

/** @param list<MiniProgram> $items */
function itemFields(array $items): array
{
    $reply = ['items' => count($items)];
    foreach ($items as $i => $item) {
        $reply += [
            "item.$i.status" => $item->status,
            "item.$i.username" => $item->username,
            "item.$i.appid" => $item->appid,
            "item.$i.source" => $item->source,
            "item.$i.nickname" => $item->nickname,
            "item.$i.selected" => $item->selected,
            "item.$i.nearby_display_status" => $item->nearbyDisplayStatus,
            "item.$i.released" => $item->released,
            "item.$i.headimg_url" => $item->headimgUrl,
            "item.$i.copy_verify_status" => $item->copyVerifyStatus,
            "item.$i.email" => $item->email,
            "item.$i.func_infos" => count($item->funcInfos),
        ];
        foreach ($item->funcInfos as $j => $info) {
            $reply += [
                "item.$i.func_infos.$j.id" => $info->id,
                "item.$i.func_infos.$j.status" => $info->status,
                "item.$i.func_infos.$j.name" => $info->name,
            ];
        }
    }
    return array_filter($reply, fn ($value) => $value !== null);
}

/** The name of a delivery, as in "never sent". */
function word(Delivery $delivery): string
{
    return strtolower(preg_replace('/(?<=[a-z])(?=[A-Z])/', ' ', $delivery->name));
}

function encode(string $text): string
{
    return preg_replace_callback('/[^ -~]|%/', fn ($m) => sprintf('%%%02X', ord($m[0])), $text);
}

// Cargo's folder has the library without its version.
Library::load(getenv('WXLINK_LIB_DIR') . '/libwxlink.so');
while (($line = fgets(STDIN)) !== false) {
    $fields = explode("\t", rtrim($line, "\n"));
    $verb = array_shift($fields);
    $request = [];
    foreach ($fields as $field) {
        [$key, $value] = explode('=', $field, 2);
        $request[$key] = rawurldecode($value);
    }
    $reply = [];
    foreach (replyTo($verb, $request) as $key => $value) {
        $reply[] = $key . '=' . encode((string) $value);
    }
    echo implode("\t", $reply), "\n";
}
