<?php

/** Runs every test in this file; prints a line for each, and exits with 1 if one fails. */

declare(strict_types=1);

use Wxlink\Administrator;
use Wxlink\Client;
use Wxlink\Delivery;
use Wxlink\ErrorClass;
use Wxlink\Library;
use Wxlink\LinkState;
use Wxlink\LinkStatus;
use Wxlink\Option;
use Wxlink\Status;
use Wxlink\WxException;

require __DIR__ . '/../wxlink.php';
require __DIR__ . '/Sandbox.php';

const TOKEN = 'SANDBOX-TOKEN';
const ACCOUNT = 'wx0a00000000000001';
const APPID = 'wx0b00000000000001';

// Warnings and notices fail the test.
set_error_handler(function ($severity, $message, $file, $line) {
    throw new ErrorException($message, 0, $severity, $file, $line);
});

function same(mixed $expected, mixed $actual, string $what = 'value'): void
{
    if ($expected !== $actual) {
        [$expected, $actual] = [var_export($expected, true), var_export($actual, true)];
        throw new Exception("$what: expected $expected, got $actual");
    }
}

function contains(string $part, string $text): void
{
    if (!str_contains($text, $part)) {
        throw new Exception("no '$part' in '$text'");
    }
}

/** Returns what a call throws. */
function thrown(string $class, callable $call): Throwable
{
    try {
        $call();
    } catch (Throwable $e) {
        return $e instanceof $class ? $e : throw $e;
    }
    throw new Exception("no $class");
}

/**
 * Returns the WxException of a call, and checks that neither it nor its stack trace shows a token.
 */
function refused(callable $call): WxException
{
    $e = thrown(WxException::class, $call);
    same(false, $e->getMessage() === '');
    // Only the frames of the binding; those above belong to this test.
    $isOurs = fn ($frame) => ($frame['class'] ?? '') === Client::class;
    $depth = count(array_filter($e->getTrace(), $isOurs));
    same(true, $depth > 0);
    $text = print_r([array_slice($e->getTrace(), 0, $depth), $e->result, $e->getMessage()], true);
    if (str_contains($text, 'SANDBOX-')) {
        throw new Exception("a token in $text");
    }
    return $e;
}

/** Runs a sample. @return array{int, string, string} exit code, stdout, stderr */
function sample(string $baseUrl, ?string $token, string ...$args): array
{
    $environment = ['WXLINK_BASE_URL' => $baseUrl, 'WXLINK_ACCESS_TOKEN' => $token] + getenv();
    $process = proc_open(
        [dirname(__DIR__) . '/run.sh', ...$args],
        [1 => ['pipe', 'w'], 2 => ['pipe', 'w']],
        $pipes,
        null,
        array_filter($environment, fn ($value) => $value !== null),
    );
    $out = stream_get_contents($pipes[1]); // no sample fills the other pipe
    $err = stream_get_contents($pipes[2]);
    return [proc_close($process), $out, $err];
}

/** One line on one of the streams, nothing on the other. */
function prints(string $start, int $code, array $ran, int $stream = 1): void
{
    same($code, $ran[0], "exit code with '$ran[1]$ran[2]'");
    same('', $ran[3 - $stream]);
    same($start, substr($ran[$stream], 0, strlen($start)));
    same(strlen($ran[$stream]) - 1, strpos($ran[$stream], "\n"), 'one line');
}

function fails(string $start, int $code, array $ran): void
{
    prints($start, $code, $ran, stream: 2);
}

$sandbox = new Sandbox();
// Claims would outlive the resets of the simulator.
$client = new Client(['base_url' => $sandbox->http, 'settle_ms' => 0]);
$tests = [];

$tests['the library knows every status, class and option'] = function () {
    foreach ((new ReflectionClass(Status::class))->getConstants() as $name => $number) {
        same($name, Status::name($number));
    }
    same('', Status::name(12345));
    foreach (ErrorClass::cases() as $number => $class) {
        same($class->value, Library::ffi()->wx_class_text($number, null, null));
    }
    same('', Library::ffi()->wx_class_text(count(ErrorClass::cases()), null, null));
    foreach ((new ReflectionClass(Option::class))->getConstants() as $key) {
        $e = refused(fn () => new Client([$key => "\1"]));
        contains($key === 'ca_file' ? 'ca_file' : "option $key", $e->getMessage());
    }
};

$tests['a platform gets its tokens'] = function () use ($sandbox) {
    $platform = new Client([
        'base_url' => $sandbox->http,
        'component_appid' => 'wx0c00000000000001',
        'component_appsecret' => 'SANDBOX-COMPONENT-SECRET',
        'account' => ACCOUNT,
    ]);
    same(Status::NO_TOKEN, refused(fn () => $platform->getLinked(''))->result->status);
    same(Status::BAD_VALUE, refused(fn () => $platform->setTicket(''))->result->status);
    $platform->setTicket('REFUSED-TICKET');
    $refused = refused(fn () => $platform->getLinked(''))->result;
    same([Status::NO_TOKEN, ErrorClass::Ticket, Delivery::NeverSent],
        [$refused->status, $refused->errorClass, $refused->delivery]);
    $platform->setTicket('SANDBOX-TICKET');
    $platform->addAccount(ACCOUNT, 'SANDBOX-REFRESH-1');
    same(Status::OK, $platform->getLinked('')->status);
    $stats = json_decode($platform->stats()->json, true, flags: JSON_THROW_ON_ERROR);
    same(['NO_TOKEN' => 2, 'OK' => 1], $stats['endpoints']['get']['outcomes']);
    same(1, $stats['tokens_fetched']);
};

$tests['the errcodes can be read'] = function () {
    same(true, Library::abiVersion() >= 1);
    same(1, preg_match('/^\d+\.\d+\.\d+/', Library::version()));
    same('LINK_MESSAGE_SENT', Library::errcodeText('link', 89010, 'name'));
    same('pending', Library::errcodeText(null, 89010, 'class'));
    same('', Library::errcodeText('link', 89010, 'color'));
    same(true, in_array('LINK_MESSAGE_SENT', array_column(Library::errcodes(), 'name'), true));
};

$tests['a link from invitation to unlinking'] = function () use ($sandbox, $client) {
    $yes = $client->linkMiniprogram(TOKEN, APPID, notifyUsers: false, showProfile: true);
    same([Status::OK, 0, ErrorClass::Ok, Delivery::Answered, 200, ''],
        [$yes->status, $yes->errcode, $yes->errorClass, $yes->delivery, $yes->httpStatus,
            $yes->message]);
    contains('"errcode":0', $yes->json);
    contains('"endpoint":"link"', $yes->trace);

    $again = refused(fn () => $client->linkMiniprogram(TOKEN, APPID, false, true));
    same([Status::API, 'API', 89010, ErrorClass::Pending, Delivery::Answered],
        [$again->status, $again->statusName, $again->errcode, $again->errorClass,
            $again->delivery]);
    same(Status::API, $again->getCode());
    same(false, $again->rid === '');
    contains($again->rid, $again->getMessage());

    $sandbox->agree(ACCOUNT, APPID, 'official_account');
    same(LinkStatus::AWAITING_MINI_PROGRAM, $client->getLinked(TOKEN)->items[0]->status);
    $sandbox->agree(ACCOUNT, APPID, 'mini_program');
    same(LinkState::Linked, $client->waitLinked(TOKEN, APPID, waitMs: 0)->state);

    same(Status::OK, $client->unlinkMiniprogram(TOKEN, APPID)->status);
    $asked = refused(fn () => $client->unlinkMiniprogram(TOKEN, APPID));
    same([89018, ErrorClass::Pending], [$asked->errcode, $asked->errorClass]);
};

$tests['the list is typed'] = function () use ($client) {
    $items = $client->getLinked('SANDBOX-TOKEN-3')->items;
    same(6, count($items));
    same([LinkStatus::LINKED, 'wx0b00000000000011', 'gh_000000000011', '示例小程序11'],
        [$items[0]->status, $items[0]->appid, $items[0]->username, $items[0]->nickname]);
    same(true, is_int($items[0]->funcInfos[0]->id) && is_string($items[0]->funcInfos[0]->name));
    same([LinkStatus::REFUSED, null], [$items[3]->status, $items[3]->appid]);
    same([], $client->getLinked(TOKEN)->items);
};

$tests['unusual items are read as far as possible'] = function () use ($sandbox, $client) {
    $list = json_encode(['errcode' => 0, 'state' => 'linked', 'wxopens' => ['items' => [
        [
            'status' => '77', 'released' => true, 'appid' => null, 'nickname' => 'null',
            'email' => "a\0b", 'new' => [1],
            'func_info' => [['id' => 2, 'status' => 1, 'name' => '微信支付'], new stdClass()],
        ],
        new stdClass(),
    ]]]);
    $sandbox->fault('get', ['body' => ['text' => "\u{FEFF}$list"]]);
    $result = $client->getLinked(TOKEN);
    same(LinkState::Unknown, $result->state);
    [$odd, $empty] = $result->items;
    same([77, null, null, 'null', "a\0b"],
        [$odd->status, $odd->released, $odd->appid, $odd->nickname, $odd->email]);
    same([1], $odd->fields['new']);
    $pay = $odd->funcInfos[0];
    same([2, 1, '微信支付'], [$pay->id, $pay->status, $pay->name]);
    same(null, $odd->funcInfos[1]->id);
    same([null, []], [$empty->status, $empty->fields]);
};

$tests['a damaged name is replaced, and the body keeps its bytes'] = function () use (
    $sandbox,
    $client,
) {
    $body = '{"errcode":0,"wxopens":{"items":['
        . "{\"appid\":\"wx1\",\"nickname\":\"a\nb\"},{\"appid\":\"wx2\",\"nickname\":\"a\xff\0b\"},"
        . "{\"appid\":\"wx3\",\"nickname\":\"a\\ud83d\",\"new\":\"\xff\"}]}}";
    $sandbox->fault('get', ['body' => ['base64' => base64_encode($body)]]);
    $result = $client->getLinked(TOKEN);
    same($body, $result->json);
    same(["a\u{FFFD}b", "a\u{FFFD}\u{FFFD}b", "a\u{FFFD}"],
        array_map(fn ($item) => $item->nickname, $result->items));
    same(['wx3', "\u{FFFD}"], [$result->items[2]->appid, $result->items[2]->fields['new']]);
};

$tests['a list that cannot be read is thrown'] = function () use ($sandbox, $client) {
    $lists = [
        '"x"', '{"items":[5]}', "{\"items\":[{\"appid\":\"a\xff\"}]}",
        '{"items":[{"status":"linked"}]}',
    ];
    $once = $client->derive(['max_retries' => 0]);
    foreach ($lists as $list) {
        $body = "{\"errcode\":0,\"wxopens\":$list}";
        $sandbox->fault('get', ['body' => ['base64' => base64_encode($body)]]);
        $e = refused(fn () => $once->getLinked(TOKEN));
        same([Status::BAD_ANSWER, []], [$e->status, $e->result->items], $list);
    }
};

$tests['large numbers and long lists are exact'] = function () use ($sandbox, $client) {
    $read = function (string $items) use ($sandbox, $client) {
        $sandbox->fault('get', ['body' => [
            'text' => "{\"errcode\":0,\"wxopens\":{\"items\":[$items]}}",
        ]]);
        return $client->getLinked(TOKEN)->items;
    };
    [$item] = $read('{"status":4294967297,"selected":9007199254740993,'
        . '"released":"9223372036854775807","copy_verify_status":9223372036854775808,'
        . '"func_info":[{"id":4294967298}]}');
    same([4294967297, 9007199254740993, PHP_INT_MAX, null, 4294967298],
        [$item->status, $item->selected, $item->released, $item->copyVerifyStatus,
            $item->funcInfos[0]->id]);
    same('9223372036854775808', $item->fields['copy_verify_status']);

    $appids = array_map(fn ($i) => "wx$i", range(1, 500));
    $items = $read(implode(',', array_map(fn ($appid) => "{\"appid\":\"$appid\"}", $appids)));
    same($appids, array_map(fn ($item) => $item->appid, $items));
};

$tests['every refusal has a class'] = function () use ($sandbox, $client) {
    $link = fn (string $token, string $appid) =>
        refused(fn () => $client->linkMiniprogram($token, $appid, false, true))->errorClass;
    same(ErrorClass::Token, $link('SANDBOX-EXPIRED', APPID));
    same(ErrorClass::ActionRequired, $link(TOKEN, 'wx0b000000000000e1'));
    $sandbox->fault('link', ['errcode' => ['code' => -1]]);
    $busy = refused(fn () => $client->linkMiniprogram(TOKEN, APPID, false, true));
    same([Status::API, -1, ErrorClass::Busy], [$busy->status, $busy->errcode, $busy->errorClass]);
};

$tests['a lost answer is unknown, and ensure finds the invitation'] = function () use (
    $sandbox,
    $client,
) {
    $sandbox->fault('link', ['drop' => 'reset'], when: 'after');
    $lost = refused(fn () => $client->linkMiniprogram(TOKEN, APPID, false, true));
    same([Status::CONNECTION_LOST, Status::CONNECTION_LOST, Delivery::Unknown, ErrorClass::None],
        [$lost->status, $lost->errcode, $lost->delivery, $lost->errorClass]);
    $pending = $client->ensureLinked(TOKEN, APPID, false, true);
    same(
        [Status::PENDING, ErrorClass::Pending, LinkState::Pending, Administrator::OfficialAccount,
            LinkState::Pending, 0],
        [$pending->status, $pending->errorClass, $pending->state, $pending->waitsFor,
            $pending->found, $pending->posts],
    );
    same(false, $pending->message === '');
    same([APPID, 1], [$pending->item->appid, count($pending->items)]);
    same(1, $sandbox->received('link'));
};

$tests['ensure waits for the administrators'] = function () use ($sandbox, $client) {
    $soon = ['when' => ['polls' => 1]];
    $sandbox->admin('PUT', 'policy', ['official_account' => $soon, 'mini_program' => $soon]);
    $linked = $client->ensureLinked(TOKEN, APPID, false, true, waitMs: 2000);
    same([LinkState::Linked, LinkState::Absent, 1],
        [$linked->state, $linked->found, $linked->posts]);
    $vanished = $client->waitLinked(TOKEN, 'wx0b00000000000002', 0);
    same([Status::VANISHED, LinkState::Vanished, null],
        [$vanished->status, $vanished->state, $vanished->item]);
};

$tests['a refusal is a state, and a failure is thrown'] = function () use ($sandbox, $client) {
    $client->linkMiniprogram(TOKEN, APPID, notifyUsers: false, showProfile: true);
    $sandbox->agree(ACCOUNT, APPID, 'official_account');
    $sandbox->admin('POST', 'approvals', [
        'account' => ACCOUNT, 'appid' => APPID, 'by' => 'mini_program', 'decision' => 'refuse',
    ]);
    $declined = $client->waitLinked(TOKEN, 'gh_000000000001', 0);
    same([Status::DECLINED, LinkState::Declined, ErrorClass::ActionRequired],
        [$declined->status, $declined->state, $declined->errorClass]);
    $expired = refused(fn () => $client->waitLinked('SANDBOX-EXPIRED', APPID, 0));
    same([ErrorClass::Token, LinkState::Unknown], [$expired->errorClass, $expired->result->state]);
};

$tests['without a connection nothing is sent'] = function () {
    $unused = stream_socket_server('tcp://127.0.0.1:0');
    $address = stream_socket_get_name($unused, false);
    fclose($unused);
    $client = new Client(['base_url' => "http://$address", 'max_retries' => 0]);
    $e = refused(fn () => $client->linkMiniprogram(TOKEN, APPID, false, true));
    same([Status::CONNECT, Delivery::NeverSent, 0],
        [$e->status, $e->delivery, $e->result->httpStatus]);
};

$tests['https trusts the certificates of ca_file'] = function () use ($sandbox) {
    $https = ['base_url' => $sandbox->https, 'max_retries' => 0];
    $client = new Client($https);
    same(Status::TLS, refused(fn () => $client->getLinked(TOKEN))->status);
    same(0, (new Client($https + ['ca_file' => $sandbox->caFile]))->getLinked(TOKEN)->errcode);
};

$tests['the library checks options'] = function () {
    $e = thrown(WxException::class, fn () => new Client(['no_such_key' => '1']));
    same([Status::BAD_OPTION, Delivery::NeverSent], [$e->status, $e->delivery]);
    contains('timeout_ms', $e->getMessage());
    $refused = [
        ['timeout_ms' => 0],
        ['lang' => "\xff"],
        ['ca_file' => '/nonexistent.pem'],
        ['proxy' => 'http://me:SANDBOX-PASSWORD@'],
    ];
    foreach ($refused as $options) {
        refused(fn () => new Client($options));
    }
    thrown(ValueError::class, fn () => new Client(['lang' => "en\0"]));
};

$tests['the library checks arguments'] = function () use ($sandbox, $client) {
    same(Status::BAD_VALUE, refused(fn () => $client->getLinked(TOKEN . " 2"))->status);
    same(Status::NOT_UTF8, refused(fn () => $client->getLinked("\xff"))->status);
    $e = refused(fn () => $client->linkMiniprogram(TOKEN, '', false, true));
    same(Status::BAD_VALUE, $e->status);
    // Arguments that C would not receive unchanged are refused in PHP.
    thrown(ValueError::class, fn () => $client->getLinked(TOKEN . "\0"));
    thrown(ValueError::class, fn () => $client->waitLinked(TOKEN, APPID, -1));
    thrown(ValueError::class, fn () => $client->waitLinked(TOKEN, APPID, 0x100000000));
    same(0, $sandbox->received('get') + $sandbox->received('link'));
};

$tests['messages can be Chinese'] = function () use ($client) {
    $zh = $client->derive(['lang' => 'zh']);
    $e = refused(fn () => $zh->getLinked('SANDBOX-EXPIRED'));
    contains(Library::errcodeText('get', 42001, 'remedy', 'zh'), $e->getMessage());
    // Those about options too, whatever their order is.
    $e = refused(fn () => new Client(['timeout_ms' => 0, 'lang' => 'zh']));
    contains('选项 timeout_ms', $e->getMessage());
};

$tests['a derived client has its own limits and outlives the first'] = function () use ($sandbox) {
    $client = new Client(['base_url' => $sandbox->http]);
    $hurried = $client->derive(['timeout_ms' => 200, 'max_retries' => 0]);
    $proxy = ['proxy' => 'http://me:SANDBOX-PASSWORD@127.0.0.1:1'];
    same(Status::BAD_OPTION, refused(fn () => $client->derive($proxy))->status);
    unset($client);
    same(0, $hurried->getLinked(TOKEN)->errcode);
    $sandbox->fault('get', 'hang');
    same(Status::TIMEOUT, refused(fn () => $hurried->getLinked(TOKEN))->status);
};

$tests['a client cannot be copied'] = function () use ($client) {
    thrown(Error::class, fn () => clone $client);
    thrown(Exception::class, fn () => serialize($client));
};

$tests['a fork is noticed'] = function () use ($sandbox) {
    if (!extension_loaded('pcntl')) {
        return; // test.sh reports it.
    }
    $command = [PHP_BINARY, '-d', 'ffi.enable=1', __DIR__ . '/fork.php', $sandbox->http];
    $process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
    $lines = "child FORKED, a new client OK\nparent OK, child's exit code 0\n";
    same($lines, stream_get_contents($pipes[1]));
    same(0, proc_close($process));
};

$tests['sample: link and unlink'] = function () use ($sandbox) {
    $run = fn (string ...$args) => sample($sandbox->http, TOKEN, ...$args);
    prints("The invitation is out.\n", 0, $run('link', APPID, '0', '1'));
    prints('linkMiniprogram: WeChat answered 89010 ', 0, $run('link', APPID, '0', '1'));
    $refused = $run('link', 'wx0b000000000000e1', '0', '1');
    fails('linkMiniprogram: WeChat answered 89013 ', 1, $refused);
    fails('unlinkMiniprogram: ', 1, $run('unlink', APPID));
    $sandbox->agree(ACCOUNT, APPID, 'official_account');
    $sandbox->agree(ACCOUNT, APPID, 'mini_program');
    prints('linkMiniprogram: WeChat answered 89015 ', 0, $run('link', APPID, '0', '1'));
    prints("The Official Account's administrator has been asked.\n", 0, $run('unlink', APPID));
    prints('unlinkMiniprogram: WeChat answered 89018 ', 0, $run('unlink', APPID));
};

$tests['sample: list'] = function () use ($sandbox) {
    $table = <<<'TABLE'
          APPID               ORIGINAL ID         STATUS                                            NAME
          wx0b00000000000011  gh_000000000011     linked                                            示例小程序11
          wx0b00000000000012  gh_000000000012     waiting for the Official Account's administrator  示例小程序12
          wx0b00000000000013  gh_000000000013     waiting for the mini program's administrator      示例小程序13
          -                   gh_000000000014     refused by the mini program's administrator       示例小程序14
          wx0b00000000000015  gh_000000000015     linked                                            示例小程序15
          wx0a00000000000004  gh_000000000004     linked                                            示例服务号

        TABLE;
    same([0, $table, ''], sample($sandbox->http, 'SANDBOX-TOKEN-3', 'list'));
    [$code, $out] = sample($sandbox->http, TOKEN, 'list');
    same(0, $code);
    same(strstr($table, "\n", true) . "\n  (none)\n", $out);
    fails('getLinkMiniprogram: WeChat answered 42001 ', 1,
        sample($sandbox->http, 'SANDBOX-EXPIRED', 'list'));
};

$tests['sample: refusal'] = function () use ($sandbox) {
    $run = fn (string $appid = APPID) => sample($sandbox->http, TOKEN, 'refusal', $appid);
    $answered = function (int $errcode) use ($sandbox, $run) {
        $sandbox->fault('link', ['errcode' => ['code' => $errcode]]);
        return $run();
    };
    prints("done: the invitation is out\n", 0, $run());
    prints('done: linkMiniprogram: WeChat answered 89010 ', 0, $run());
    prints('action_required: linkMiniprogram: WeChat answered 89013 ', 1,
        $run('wx0b000000000000e1'));
    prints("quota: call again when it is renewed\n", 4, $answered(89016));
    prints("busy: wait a little, then call again\n", 4, $answered(-1));
    prints('invalid_request: linkMiniprogram: WeChat answered 40013 ', 1, $answered(40013));
    prints('unknown: linkMiniprogram: ', 5, $answered(123456));
    $sandbox->fault('link', ['drop' => 'close']);
    prints('unknown: linkMiniprogram: ', 5, $run());
    prints("token: get another access token, then call again\n", 3,
        sample($sandbox->http, 'SANDBOX-EXPIRED', 'refusal', APPID));
};

$tests['samples: wrong arguments and options'] = function () use ($sandbox) {
    $wrong = [
        ['link', APPID, '0'], ['link', APPID, '2', '1'], ['unlink'], ['refusal'], ['nothing'],
    ];
    foreach ($wrong as $args) {
        fails('usage: ', 2, sample($sandbox->http, TOKEN, ...$args));
    }
    $samples = [['link', APPID, '0', '1'], ['list'], ['unlink', APPID], ['refusal', APPID]];
    foreach ($samples as $args) {
        fails('BAD_OPTION: ', 2, sample('http://example.com', TOKEN, ...$args));
        fails('usage: ', 2, sample($sandbox->http, null, ...$args));
    }
    same(0, $sandbox->received('link') + $sandbox->received('get') + $sandbox->received('unlink'));
};

$failures = 0;
foreach ($tests as $name => $test) {
    $sandbox->admin('POST', 'reset');
    try {
        $test();
        echo "ok      $name\n";
    } catch (Throwable $e) {
        $failures++;
        echo "FAILED  $name: {$e->getMessage()}\n{$e->getTraceAsString()}\n";
    }
}
echo count($tests), ' tests, ', $failures, " failures\n";
exit($failures === 0 ? 0 : 1);
