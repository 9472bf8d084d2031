<?php

/**
 * Links WeChat mini programs to Official Accounts: the wxlink library, through FFI.
 *
 *     $client = new Wxlink\Client(['timeout_ms' => 5000]);
 *     try {
 *         $client->linkMiniprogram($token, 'wx0b00000000000001', notifyUsers: false, showProfile: true);
 *         echo "The invitation is out.\n";
 *     } catch (Wxlink\WxException $e) {
 *         echo $e->getMessage(), "\n";
 *     }
 *
 * Texts are UTF-8. Needs PHP 8.1 with FFI switched on (ffi.enable), libwxlink.so.1 and wxlink.h.
 */

declare(strict_types=1);

namespace Wxlink;

/** The native library, and what it knows without calling WeChat. */
final class Library
{
    private static ?\FFI $ffi = null;

    /**
     * Loads the library. Only needed, and then before anything else, where it is not found by itself.
     *
     * @param string $library a name for the system's loader, or a path
     * @param ?string $header the path of wxlink.h; null looks beside this file, in the checkout that
     *     holds it, in /usr/local/include and in /usr/include
     * @throws \FFI\Exception if the library cannot be loaded
     * @throws \RuntimeException if there is no header
     */
    public static function load(string $library = 'libwxlink.so.1', ?string $header = null): void
    {
        self::$ffi = \FFI::cdef(self::declarations($header ?? self::findHeader()), $library);
    }

    /** The version of the native library, such as "1.2.3". */
    public static function version(): string
    {
        return self::ffi()->wx_version();
    }

    /** The version of the native library's binary interface. It only grows. */
    public static function abiVersion(): int
    {
        return self::ffi()->wx_abi_version();
    }

    /** @return list<array> all that is known about WeChat's errcodes; wxlink.h shows a row */
    public static function catalogue(): array
    {
        return json_decode(self::ffi()->wx_catalogue_json(), true, flags: JSON_THROW_ON_ERROR);
    }

    /**
     * One thing that is known about an errcode.
     *
     * @param ?string $api link, get or unlink: the endpoint that answered; null for none in particular
     * @param string $field name, class, meaning, remedy or wire (WeChat's own words)
     * @param string $lang en or zh, for meaning and remedy
     * @return string empty if nothing is known, or an argument is not one of these
     */
    public static function errcodeText(?string $api, int $errcode, string $field, string $lang = 'en'): string
    {
        return self::ffi()->wx_errcode_text($api, $errcode, $field, $lang);
    }

    /** @internal the functions of wxlink.h, which is their manual */
    public static function ffi(): \FFI
    {
        if (self::$ffi === null) {
            self::load();
        }
        return self::$ffi;
    }

    /**
     * The header without comments, C++ and preprocessor, which FFI cannot read. It is not copied here,
     * so that it stays the only truth.
     */
    private static function declarations(string $header): string
    {
        $text = file_get_contents($header);
        if ($text === false) {
            throw new \RuntimeException("$header cannot be read");
        }
        $text = preg_replace('~/\*.*?\*/~s', '', $text);
        $text = preg_replace('~^#ifdef __cplusplus$.*?^#endif~ms', '', $text);
        return preg_replace('~^#.*$~m', '', $text);
    }

    private static function findHeader(): string
    {
        $folders = [__DIR__, dirname(__DIR__, 2) . '/include', '/usr/local/include', '/usr/include'];
        foreach ($folders as $folder) {
            if (is_file("$folder/wxlink.h")) {
                return "$folder/wxlink.h";
            }
        }
        throw new \RuntimeException('wxlink.h is in none of ' . implode(', ', $folders));
    }
}

/**
 * Calls WeChat; keeps connections for the calls to come. Make one and use it for all calls.
 *
 * It is freed with the last reference to it. A client made before a fork answers FORKED in the child:
 * make one there.
 *
 * Linking can message every follower of an account, so a link or unlink of which anything was sent is
 * never posted again by itself; only ensureLinked does so, after two looks at the list without a trace.
 */
final class Client
{
    private \FFI\CData $handle;

    /**
     * Makes a client. Nothing is connected yet; certificates are read here and never again.
     *
     * @param array<string, string|int> $options such as base_url, timeout_ms, proxy and lang;
     *     docs/options.md lists them all
     * @throws WxException BAD_OPTION if there is no such option, or a value it does not take; INTERNAL
     *     if the process has no file descriptor left
     */
    public function __construct(#[\SensitiveParameter] array $options = [])
    {
        $this->handle = self::make(
            $options,
            fn ($native, $out) => Library::ffi()->wx_client_new($native, $out),
        );
    }

    public function __destruct()
    {
        Library::ffi()->wx_client_free($this->handle);
    }

    /** A handle has one owner; with() makes another. */
    private function __clone()
    {
    }

    /**
     * Makes a client on the same connections, for a call with limits of its own.
     *
     * @param array<string, string|int> $options any of timeout_ms, connect_timeout_ms, max_retries, lang
     * @throws WxException BAD_OPTION if the options set what is a matter of the connections
     */
    public function with(#[\SensitiveParameter] array $options): self
    {
        $handle = self::make(
            $options,
            fn ($native, $out) => Library::ffi()->wx_client_derive($this->handle, $native, $out),
        );
        $client = clone $this;
        $client->handle = $handle;
        return $client;
    }

    /**
     * Keeps the component_verify_ticket that WeChat pushes to a third-party platform every 10 minutes.
     *
     * @throws WxException NO_TOKEN if the store of the option store cannot be used
     */
    public function setTicket(#[\SensitiveParameter] string $ticket): void
    {
        self::expectPut(Library::ffi()->wx_client_set_ticket($this->handle, $ticket));
    }

    /**
     * Keeps the refresh token that an Official Account gave when it authorised the platform.
     *
     * @throws WxException NO_TOKEN if the store of the option store cannot be used
     */
    public function addAccount(string $appid, #[\SensitiveParameter] string $refreshToken): void
    {
        self::expectPut(Library::ffi()->wx_client_add_account($this->handle, $appid, $refreshToken));
    }

    private static function expectPut(int $status): void
    {
        if ($status !== Status::OK) {
            throw new WxException(Result::ofStatus($status));
        }
    }

    /**
     * Invites a mini program to be linked to an Official Account. Success means that the invitation is
     * out: the Official Account's administrator agrees, then the mini program's, and only the list
     * tells when.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appid the mini program's
     * @param bool $notifyUsers whether WeChat messages every follower of the account
     * @param bool $showProfile whether the mini program is shown in the account's page
     * @throws WxException class pending or ok if an invitation is out already or it is linked
     */
    public function linkMiniprogram(
        #[\SensitiveParameter] string $accessToken,
        string $appid,
        bool $notifyUsers,
        bool $showProfile,
    ): Result {
        self::check($accessToken, $appid);
        return $this->call(fn ($ffi, $out) => $ffi->wx_link_miniprogram(
            $this->handle, $accessToken, $appid, (int) $notifyUsers, (int) $showProfile, $out,
        ));
    }

    /**
     * Lists the mini programs linked to an Official Account and those on their way: see Result::$items.
     * Reading changes nothing, so it is safe to call again after any failure.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @throws WxException
     */
    public function getLinked(#[\SensitiveParameter] string $accessToken): Result
    {
        self::check($accessToken);
        return $this->call(fn ($ffi, $out) => $ffi->wx_get_linked($this->handle, $accessToken, $out));
    }

    /**
     * Asks to unlink a mini program. Success means that the Official Account's administrator has been
     * asked; it stays in the list until they agree.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appid the mini program's
     * @throws WxException class pending if the administrator has been asked already
     */
    public function unlinkMiniprogram(#[\SensitiveParameter] string $accessToken, string $appid): Result
    {
        self::check($accessToken, $appid);
        return $this->call(fn ($ffi, $out) => $ffi->wx_unlink_miniprogram(
            $this->handle, $accessToken, $appid, $out,
        ));
    }

    /**
     * Sees to it that a mini program is linked: what callers really want. Asks the list, posts a link if
     * that shows no trace, and waits for the administrators if asked to. Safe to repeat, whatever
     * happened before. Result::$state tells how far it came, also after a failure.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appid the mini program's
     * @param bool $notifyUsers whether WeChat messages every follower of the account
     * @param bool $showProfile whether the mini program is shown in the account's page
     * @param int $waitMs how long to wait for the administrators, in milliseconds; 0 not at all. The call
     *     ends within this and timeout_ms together
     * @throws WxException PENDING if an invitation is out, DECLINED if it was refused, VANISHED if it was
     *     in the list and is there no more; or as linkMiniprogram
     */
    public function ensureLinked(
        #[\SensitiveParameter] string $accessToken,
        string $appid,
        bool $notifyUsers,
        bool $showProfile,
        int $waitMs = 0,
    ): Result {
        self::check($accessToken, $appid, $waitMs);
        return $this->call(fn ($ffi, $out) => $ffi->wx_ensure_linked(
            $this->handle, $accessToken, $appid, (int) $notifyUsers, (int) $showProfile, $waitMs, $out,
        ));
    }

    /**
     * Waits until a mini program is linked, or will not be. Posts nothing.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appidOrGhId the mini program's appid or original id
     * @param int $waitMs how long, in milliseconds; 0 looks once
     * @throws WxException as ensureLinked; VANISHED also if the list shows no trace of it
     */
    public function waitLinked(
        #[\SensitiveParameter] string $accessToken,
        string $appidOrGhId,
        int $waitMs,
    ): Result {
        self::check($accessToken, $appidOrGhId, $waitMs);
        return $this->call(fn ($ffi, $out) => $ffi->wx_wait_linked(
            $this->handle, $accessToken, $appidOrGhId, $waitMs, $out,
        ));
    }

    /** Refuses what C would see as something else; all else is judged by the library. */
    private static function check(
        #[\SensitiveParameter] string $accessToken,
        string $appid = '',
        int $waitMs = 0,
    ): void {
        if (str_contains($accessToken, "\0") || str_contains($appid, "\0")) {
            throw new \ValueError('access token and appid must not contain any null bytes');
        }
        if ($waitMs < 0 || $waitMs > 0xFFFFFFFF) {
            throw new \ValueError('waitMs must be between 0 and 4294967295');
        }
    }

    /** The verb holds the token, and must not be in a stack trace either. */
    private function call(#[\SensitiveParameter] \Closure $verb): Result
    {
        $ffi = Library::ffi();
        $native = $ffi->new('wx_result *');
        try {
            $status = $verb($ffi, \FFI::addr($native));
            $result = Result::read($status, $native);
        } finally {
            $ffi->wx_result_free($native);
        }
        return $status === Status::OK ? $result : throw new WxException($result);
    }

    /** Makes a native client with options, by wx_client_new or wx_client_derive. */
    private static function make(#[\SensitiveParameter] array $options, \Closure $make): \FFI\CData
    {
        $ffi = Library::ffi();
        $native = $ffi->wx_options_new();
        try {
            foreach ($options as $key => $value) {
                if (str_contains("$key$value", "\0")) {
                    throw new \ValueError('options must not contain any null bytes');
                }
                self::expectOk($ffi->wx_options_set($native, (string) $key, (string) $value), $native);
            }
            $client = $ffi->new('wx_client *');
            self::expectOk($make($native, \FFI::addr($client)), $native);
            return $client;
        } finally {
            $ffi->wx_options_free($native);
        }
    }

    private static function expectOk(int $status, \FFI\CData $options): void
    {
        if ($status !== Status::OK) {
            throw new WxException(Result::ofOptions($status, $options));
        }
    }
}

/** What became of a call: a value, copied out of the native library when the call ends. */
final class Result
{
    /**
     * @param int $status one of Status, or one that came later
     * @param int $errcode WeChat's errcode if it answered, else the status: never 0 for a call that did
     *     not succeed. WeChat has a -1 of its own, so look at the status first: Status::API says that
     *     the errcode is WeChat's
     * @param string $errorClass what to do about it: ok (done, or done before), pending (on its way: wait,
     *     do not link again), token (get another and call again, once), busy (call again a little
     *     later), quota (when the minute, day or month is over), human (an administrator or operator must
     *     act first), caller (correct the call); empty if WeChat did not answer, or with a code nobody
     *     has described
     * @param int $httpStatus of the last answer, 0 if there was none; WeChat refuses with 200 too
     * @param string $message what happened and what to do, in the client's language; empty after a success
     * @param string $rid the id that WeChat's support asks for; empty if WeChat gave none
     * @param string $trace everything that was tried, as JSON for logs and support; holds no token
     * @param string $json WeChat's body as it came if WeChat answered, else what the library says in its
     *     place; of ensure and wait always the latter; empty if an option was refused
     * @param list<MiniProgram> $items the list, in WeChat's order; empty for calls that list nothing
     * @param string $state how far ensure or wait came: linked, pending, declined, vanished or unknown;
     *     empty for other calls
     * @param string $waitsFor who must decide: official_account, mini_program or empty
     * @param string $found what ensure or wait found in the list at first: absent or a state
     * @param int $posts how many links ensure posted of which WeChat may have seen something
     * @param ?MiniProgram $item the mini program as ensure or wait last saw it in the list
     */
    private function __construct(
        public readonly int $status,
        public readonly int $errcode,
        public readonly string $errorClass,
        public readonly Delivery $delivery,
        public readonly int $httpStatus,
        public readonly string $message,
        public readonly string $rid,
        public readonly string $trace,
        public readonly string $json,
        public readonly array $items,
        public readonly string $state,
        public readonly string $waitsFor,
        public readonly string $found,
        public readonly int $posts,
        public readonly ?MiniProgram $item,
    ) {
    }

    /** @internal copies a native result, which stays the caller's */
    public static function read(int $status, \FFI\CData $native): self
    {
        $ffi = Library::ffi();
        $values = self::values($native);
        return new self(
            status: $status,
            errcode: $ffi->wx_result_errcode($native),
            errorClass: $ffi->wx_result_class($native),
            delivery: Delivery::tryFrom($ffi->wx_result_delivery($native)) ?? Delivery::Unknown,
            httpStatus: $ffi->wx_result_http_status($native),
            message: $ffi->wx_result_message($native),
            rid: $ffi->wx_result_rid($native),
            trace: $ffi->wx_result_trace($native),
            json: $ffi->wx_result_json($native, null),
            items: array_map(MiniProgram::read(...), Field::objects($values['wxopens'] ?? null, 'items')),
            state: Field::text($values, 'state') ?? '',
            waitsFor: Field::text($values, 'waits_for') ?? '',
            found: Field::text($values, 'found') ?? '',
            posts: Field::number($values, 'posts') ?? 0,
            item: is_array($values['item'] ?? null) ? MiniProgram::read($values['item']) : null,
        );
    }

    /** @internal what became of setting options, or of making a client with them */
    public static function ofStatus(int $status): self
    {
        $message = Library::ffi()->wx_status_text($status);
        return new self(
            $status, $status, '', Delivery::NeverSent, 0, $message, '', '', '', [], '', '', '', 0, null,
        );
    }

    public static function ofOptions(int $status, \FFI\CData $options): self
    {
        $message = Library::ffi()->wx_options_message($options);
        return new self(
            $status, $status, '', Delivery::NeverSent, 0, $message, '', '', '', [], '', '', '', 0, null,
        );
    }

    /** The JSON as the library reads it, which takes what json_decode does not: a byte order mark, say. */
    private static function values(\FFI\CData $native): array
    {
        $ffi = Library::ffi();
        $length = $ffi->wx_result_get($native, '', null, 0);
        if ($length < 0) {
            return [];
        }
        $buffer = $ffi->new('char[' . $length + 1 . ']');
        $ffi->wx_result_get($native, '', $buffer, $length + 1);
        $values = json_decode(\FFI::string($buffer, $length), true);
        return is_array($values) ? $values : [];
    }
}

/** One item of the list. Every field may be missing, and is then null. */
final class MiniProgram
{
    /** Status: linked. */
    public const LINKED = 1;

    /** Status: waits for the mini program's administrator. */
    public const WAITS_FOR_MINI_PROGRAM = 2;

    /** Status: the mini program's administrator refused. */
    public const REFUSED = 3;

    /** Status: waits for the Official Account's administrator. */
    public const WAITS_FOR_OFFICIAL_ACCOUNT = 12;

    /**
     * @param ?int $status how far the link has come: one of the constants, or a number nobody has described
     * @param ?string $username the original id, gh_...
     * @param ?string $appid refused items have none
     * @param ?string $source seen as SOURCE_NORMAL; WeChat does not say what it means
     * @param ?string $nickname the display name
     * @param ?int $selected 1: shown in the Official Account's page
     * @param ?int $nearbyDisplayStatus 1: shown in "nearby mini programs", which forbids unlinking
     * @param ?int $released 1: published
     * @param ?string $headimgUrl the picture's address
     * @param ?int $copyVerifyStatus seen as 1; WeChat does not say what it means
     * @param ?string $email the mini program's mail address
     * @param list<FuncInfo> $funcInfos WeChat verification (id 1), WeChat Pay (id 2) and the like
     * @param array<string, mixed> $fields everything as WeChat sent it, unknown fields too
     */
    private function __construct(
        public readonly ?int $status,
        public readonly ?string $username,
        public readonly ?string $appid,
        public readonly ?string $source,
        public readonly ?string $nickname,
        public readonly ?int $selected,
        public readonly ?int $nearbyDisplayStatus,
        public readonly ?int $released,
        public readonly ?string $headimgUrl,
        public readonly ?int $copyVerifyStatus,
        public readonly ?string $email,
        public readonly array $funcInfos,
        public readonly array $fields,
    ) {
    }

    /** @internal */
    public static function read(array $fields): self
    {
        // The true name first, then those that WeChat's pages have printed.
        $funcInfos = Field::objects($fields, 'func_infos')
            ?: Field::objects($fields, 'func_info')
            ?: Field::objects($fields, 'func_News');
        return new self(
            status: Field::number($fields, 'status'),
            username: Field::text($fields, 'username'),
            appid: Field::text($fields, 'appid'),
            source: Field::text($fields, 'source'),
            nickname: Field::text($fields, 'nickname'),
            selected: Field::number($fields, 'selected'),
            nearbyDisplayStatus: Field::number($fields, 'nearby_display_status'),
            released: Field::number($fields, 'released'),
            headimgUrl: Field::text($fields, 'headimg_url'),
            copyVerifyStatus: Field::number($fields, 'copy_verify_status'),
            email: Field::text($fields, 'email'),
            funcInfos: array_map(FuncInfo::read(...), $funcInfos),
            fields: $fields,
        );
    }
}

/** A capability of a mini program. */
final class FuncInfo
{
    /**
     * @param ?int $id 1: WeChat verification; 2: WeChat Pay
     * @param ?int $status 0: closed; 1: open
     * @param ?string $name in Chinese
     */
    private function __construct(
        public readonly ?int $id,
        public readonly ?int $status,
        public readonly ?string $name,
    ) {
    }

    /** @internal */
    public static function read(array $fields): self
    {
        return new self(
            id: Field::number($fields, 'id'),
            status: Field::number($fields, 'status'),
            name: Field::text($fields, 'name'),
        );
    }
}

/** @internal reads fields of whose types nothing is certain */
final class Field
{
    /** A number, or one in a text. */
    public static function number(array $fields, string $name): ?int
    {
        $value = $fields[$name] ?? null;
        return is_int($value) || is_string($value)
            ? filter_var($value, FILTER_VALIDATE_INT, FILTER_NULL_ON_FAILURE)
            : null;
    }

    public static function text(array $fields, string $name): ?string
    {
        $value = $fields[$name] ?? null;
        return is_string($value) ? $value : null;
    }

    /** @return list<array> the objects in a list; none if it is no list */
    public static function objects(mixed $fields, string $name): array
    {
        $value = is_array($fields) ? $fields[$name] ?? null : null;
        return is_array($value) ? array_values(array_filter($value, is_array(...))) : [];
    }
}

/** Whether WeChat may have seen a request. */
enum Delivery: int
{
    /** Calling again cannot do anything twice. */
    case NeverSent = 0;

    /** It was sent and no verdict came back: read the list before you link again. */
    case Unknown = 1;

    /** The errcode is WeChat's verdict. */
    case Answered = 2;
}

/**
 * A call that did not end with Status::OK.
 *
 * Its message tells people what happened and what to do, its code is the status. A program decides by
 * $errorClass, or by $delivery where WeChat did not answer. No token is in it.
 */
final class WxException extends \RuntimeException
{
    public readonly int $status;

    /** The status's name, such as TIMEOUT; empty if it came later than the library. */
    public readonly string $statusName;

    public readonly int $errcode;
    public readonly string $errorClass;
    public readonly Delivery $delivery;
    public readonly string $rid;

    /** @param Result $result everything there is to know about the call */
    public function __construct(public readonly Result $result)
    {
        parent::__construct($result->message, $result->status);
        $this->status = $result->status;
        $this->statusName = Status::name($result->status);
        $this->errcode = $result->errcode;
        $this->errorClass = $result->errorClass;
        $this->delivery = $result->delivery;
        $this->rid = $result->rid;
    }
}

/**
 * What became of a call, as a number that is never reused.
 *
 * More may come. Treat one you do not know like its group: -1 to -19 an argument is wrong and nothing
 * was sent, -20 to -39 nothing was sent, -40 to -69 the outcome is unknown.
 */
final class Status
{
    /** WeChat said yes. */
    public const OK = 0;

    /** A pointer that must not be NULL is NULL; does not occur here. */
    public const NULL_POINTER = -1;

    /** A text is not UTF-8. */
    public const NOT_UTF8 = -2;

    /** An argument is out of its range. */
    public const BAD_VALUE = -3;

    /** No such option, or a value it does not take. */
    public const BAD_OPTION = -4;

    /** The buffer is too small; does not occur here. */
    public const BUFFER = -5;

    /** There is nothing at that place; does not occur here. */
    public const NOT_FOUND = -6;

    /** The host's name could not be resolved. */
    public const RESOLVE = -20;

    /** No connection to the host. */
    public const CONNECT = -21;

    /** The TLS handshake failed. */
    public const TLS = -22;

    /** The proxy did not connect us. */
    public const PROXY = -23;

    /** Time ran out before anything was sent. */
    public const TIMEOUT_UNSENT = -24;

    /** No access token could be had for the account. */
    public const NO_TOKEN = -25;

    /** Time ran out after sending. */
    public const TIMEOUT = -40;

    /** The connection broke after sending. */
    public const CONNECTION_LOST = -41;

    /** What came back is not an answer of WeChat's. */
    public const BAD_ANSWER = -60;

    /** The answer is larger than max_response_bytes. */
    public const TOO_LARGE = -61;

    /** WeChat answered with an errcode other than 0: see Result::$errcode. */
    public const API = -70;

    /** An invitation is out and waits for an administrator. */
    public const PENDING = -80;

    /** The mini program's administrator refused. */
    public const DECLINED = -81;

    /** The mini program is not in the list (any more). */
    public const VANISHED = -82;

    /** The client was cancelled; the delivery says whether anything was sent. */
    public const CANCELLED = -90;

    /** The client was made before a fork: make one in the child. */
    public const FORKED = -91;

    /** A fault in the library itself; the client stays usable. */
    public const INTERNAL = -99;

    /** The name without its prefix, such as BAD_VALUE; empty for a number that is none. */
    public static function name(int $status): string
    {
        return (string) strstr(self::text($status), ':', before_needle: true);
    }

    /** What it means and what to do next, in English; empty for a number that is none. */
    public static function text(int $status): string
    {
        return Library::ffi()->wx_status_text($status);
    }
}
