<?php

/**
 * Links WeChat mini programs to Official Accounts: the wxlink library, through FFI.
 *
 *     $client = new Wxlink\Client(['timeout_ms' => 5000]);
 *     try {
 *         $link = $client->ensureLinked(
 *             $token, 'wx0b00000000000001', notifyUsers: false, showProfile: true, waitMs: 60000,
 *         );
 *         echo $link->state->value, ', waits for ', $link->waitsFor->value, "\n";
 *     } catch (Wxlink\WxException $e) {
 *         echo $e->getMessage(), "\n";
 *     }
 *
 * Texts are UTF-8. Requires PHP 8.1 with FFI enabled (ffi.enable), libwxlink.so.1 and wxlink.h.
 */

declare(strict_types=1);

namespace Wxlink;

require_once __DIR__ . '/constants.php';

/** Loads the native library; its version and the table of errcodes. */
final class Library
{
    private static ?\FFI $ffi = null;

    /**
     * Loads the library from a path. Call it before anything else, if the library or the header is
     * not in one of the places that are searched by default.
     *
     * @param string $library a path, or a name that the system's loader finds
     * @param ?string $header the path of wxlink.h; null searches beside this file, in the checkout
     *     that this file belongs to, in /usr/local/include and in /usr/include
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

    /** @return list<array> all known errcodes of WeChat; wxlink.h shows an element */
    public static function errcodes(): array
    {
        return json_decode(self::ffi()->wx_catalogue_json(), true, flags: JSON_THROW_ON_ERROR);
    }

    /**
     * Looks up one field of a known errcode.
     *
     * @param ?string $endpoint the endpoint that answered: link, get or unlink, or for a platform
     *     component_token, authorizer_token, authorizer_list, create_preauthcode, query_auth or
     *     authorizer_info; null for the row that holds for every endpoint
     * @param string $field name, class, meaning, remedy or errmsg (WeChat's own words)
     * @param string $lang en or zh, for meaning and remedy
     * @return string empty if the errcode is unknown or an argument is none of the above
     */
    public static function errcodeText(
        ?string $endpoint,
        int $errcode,
        string $field,
        string $lang = 'en',
    ): string {
        return self::ffi()->wx_errcode_text($endpoint, $errcode, $field, $lang);
    }

    /** @internal the functions of wxlink.h, which documents them */
    public static function ffi(): \FFI
    {
        if (self::$ffi === null) {
            self::load();
        }
        return self::$ffi;
    }

    /**
     * Returns the header without comments, C++, preprocessor lines and stdcall functions, which FFI
     * cannot read. The declarations are not copied into this file, so that they cannot differ from
     * the library.
     */
    private static function declarations(string $header): string
    {
        $text = file_get_contents($header);
        if ($text === false) {
            throw new \RuntimeException("wxlink: could not read $header");
        }
        $text = preg_replace('~/\*.*?\*/~s', '', $text);
        $others = '~^#(ifdef __cplusplus|if defined\(_WIN32\))$.*?^#endif~ms';
        $text = preg_replace($others, '', $text);
        $text = preg_replace('~^#.*$~m', '', $text);
        // FFI makes a string of a "const char *", up to its first NUL. Texts that have a length may
        // contain NULs; without the const FFI returns the pointer.
        return preg_replace('~const (char \*\w+\([^)]*size_t \*len\))~', '$1', $text);
    }

    private static function findHeader(): string
    {
        $checkout = dirname(__DIR__, 2);
        $folders = [__DIR__, "$checkout/include", '/usr/local/include', '/usr/include'];
        foreach ($folders as $folder) {
            if (is_file("$folder/wxlink.h")) {
                return "$folder/wxlink.h";
            }
        }
        throw new \RuntimeException(
            'wxlink: could not find wxlink.h in ' . implode(', ', $folders)
            . '. Pass its path to Wxlink\Library::load.',
        );
    }
}

/**
 * Calls WeChat and keeps connections for later calls. Make one client and use it for all calls.
 *
 * It is freed with the last reference to it. A client made before a fork returns FORKED in the
 * child: make a client there.
 *
 * Linking can message every follower of an account. Once anything of a link or unlink was sent, the
 * library does not send it again. Only ensureLinked may post again, after it has read the list
 * twice without finding the mini program.
 */
final class Client
{
    private \FFI\CData $handle;

    /**
     * Makes a client. Nothing is connected yet; certificates are read here and not again.
     *
     * @param array<string, string|int> $options the keys are the constants of Option, such
     *     as base_url, timeout_ms, proxy and lang
     * @throws WxException BAD_OPTION if an option is unknown or its value invalid; INTERNAL if the
     *     process has no file descriptor left
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

    /** A handle has one owner; derive() makes another handle. */
    private function __clone()
    {
    }

    /**
     * Makes a client on the same connections with its own time limits, language or account.
     *
     * @param array<string, string|int> $options any of timeout_ms, connect_timeout_ms, max_retries,
     *     lang and account
     * @throws WxException BAD_OPTION if the options set anything else, which the connections share
     */
    public function derive(#[\SensitiveParameter] array $options): self
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
     * Stores the component_verify_ticket that WeChat pushes to a third-party platform every 10
     * minutes.
     *
     * @throws WxException STORE if the store of the option store cannot be used
     */
    public function setTicket(#[\SensitiveParameter] string $ticket): void
    {
        self::check($ticket);
        $this->call(fn ($ffi, $out) => $ffi->wx_client_set_ticket($this->handle, $ticket, $out));
    }

    /**
     * Stores the refresh token that an Official Account gave when it authorised the platform.
     *
     * @throws WxException STORE if the store of the option store cannot be used
     */
    public function addAccount(string $appid, #[\SensitiveParameter] string $refreshToken): void
    {
        self::check($refreshToken, $appid);
        $this->call(fn ($ffi, $out) => $ffi->wx_client_add_account(
            $this->handle, $appid, $refreshToken, $out,
        ));
    }

    /**
     * Accepts a push of WeChat's to a third-party platform. Answer with HTTP 200 and the body
     * success if it returns; with 403 if it throws BAD_PUSH, else with 503, so that WeChat sends
     * the push again. The JSON of the result has the event, its account and what was done, in the
     * form that wx_client_accept_push of wxlink.h describes.
     *
     * @param string $query the raw query string of WeChat's request: $_SERVER['QUERY_STRING']
     * @param string $body its body, unchanged: file_get_contents('php://input')
     * @throws WxException BAD_PUSH if it is not a push of WeChat's to this platform; STORE if it
     *     could not be stored in time
     */
    public function acceptPush(string $query, #[\SensitiveParameter] string $body): Result
    {
        self::check($query);
        return $this->call(fn ($ffi, $out) => $ffi->wx_client_accept_push(
            $this->handle, $query, $body, strlen($body), $out,
        ));
    }

    /**
     * Makes the URLs of the pages on which an Official Account's administrator authorises the
     * platform. The JSON of the result has the fields computer_url, phone_url and expires_in. Call
     * it when the administrator clicks: the URLs contain a code that is valid once and for a short
     * time.
     *
     * @param string $redirectUri a whole URL, to which WeChat redirects with auth_code
     * @param ?string $account the appid of the account to authorise; null for any
     * @throws WxException NO_TOKEN if the platform has no ticket
     */
    public function authorizationUrl(string $redirectUri, ?string $account = null): Result
    {
        self::check($redirectUri, $account ?? '');
        return $this->call(fn ($ffi, $out) => $ffi->wx_client_authorization_url(
            $this->handle, $redirectUri, $account, $out,
        ));
    }

    /**
     * Exchanges the code of a redirect (auth_code) for the account's tokens and stores them. The
     * JSON of the result has the fields account, permission_sets and may_link. The same code may be
     * passed again.
     *
     * @throws WxException API if WeChat refuses the code
     */
    public function acceptAuthorization(#[\SensitiveParameter] string $code): Result
    {
        self::check($code);
        return $this->call(fn ($ffi, $out) => $ffi->wx_client_accept_authorization(
            $this->handle, $code, $out,
        ));
    }

    /**
     * Describes an account that has authorised the platform. The JSON of the result has the fields
     * that wx_client_account_info of wxlink.h describes.
     *
     * @throws WxException API if WeChat refuses
     */
    public function accountInfo(string $appid): Result
    {
        self::check($appid);
        return $this->call(fn ($ffi, $out) => $ffi->wx_client_account_info(
            $this->handle, $appid, $out,
        ));
    }

    /**
     * What this client, and the clients that share its connections, have done so far, in numbers.
     * The JSON of the result has the fields that wx_client_stats of wxlink.h describes. Makes no
     * request and does not wait.
     */
    public function stats(): Result
    {
        return $this->call(fn ($ffi, $out) => $ffi->wx_client_stats($this->handle, $out));
    }

    /**
     * Invites a mini program to be linked to an Official Account. Posts once. Success means that
     * the invitation is out: the Official Account's administrator must agree, then the mini
     * program's. Read the list, or use waitLinked, to learn when they have.
     *
     * @param string $accessToken the Official Account's authorizer_access_token; empty if the
     *     options name a source of tokens
     * @param string $appid the mini program's appid
     * @param bool $notifyUsers whether WeChat messages every follower of the account
     * @param bool $showProfile whether the mini program is shown in the account's page
     * @throws WxException class pending if an invitation is already out, class ok if it is
     *     already linked
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
     * Reads the list of mini programs that are linked to an Official Account or on their way: see
     * Result::$items. It is safe to call again after any failure.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @throws WxException
     */
    public function getLinked(#[\SensitiveParameter] string $accessToken): Result
    {
        self::check($accessToken);
        return $this->call(fn ($ffi, $out) => $ffi->wx_get_linked(
            $this->handle, $accessToken, $out,
        ));
    }

    /**
     * Asks to unlink a mini program. Posts once. Success means that the Official Account's
     * administrator has been asked; the mini program stays in the list until they agree.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appid the mini program's appid
     * @throws WxException class pending if the administrator was already asked
     */
    public function unlinkMiniprogram(
        #[\SensitiveParameter] string $accessToken,
        string $appid,
    ): Result {
        self::check($accessToken, $appid);
        return $this->call(fn ($ffi, $out) => $ffi->wx_unlink_miniprogram(
            $this->handle, $accessToken, $appid, $out,
        ));
    }

    /**
     * Makes sure that a mini program is linked to an Official Account. Reads the list, posts a link
     * if the list does not show the mini program, and waits for the administrators as long as
     * asked. Calls that share a store (option store; the default is this process's memory) can
     * repeat it safely, whatever an earlier call did.
     *
     * A link that is pending, declined, vanished or in doubt is returned, not thrown: see
     * Result::$state and Result::$waitsFor.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appid the mini program's appid
     * @param bool $notifyUsers whether WeChat messages every follower of the account
     * @param bool $showProfile whether the mini program is shown in the account's page
     * @param int $waitMs how long to wait for the administrators, in milliseconds; 0 does not wait.
     *     The call ends within timeout_ms plus this
     * @throws WxException if the state of the link is not known, or WeChat refused the link; its
     *     result has the state so far
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
            $this->handle, $accessToken, $appid, (int) $notifyUsers, (int) $showProfile, $waitMs,
            $out,
        ), hasProgress: true);
    }

    /**
     * Waits until a mini program is linked, declined or vanished. Posts nothing. The state is
     * vanished also if the list never showed the mini program.
     *
     * @param string $accessToken the Official Account's authorizer_access_token
     * @param string $appidOrGhId the mini program's appid or original id (gh_...)
     * @param int $waitMs how long to wait, in milliseconds; 0 reads the list once
     * @throws WxException if the state of the link is not known
     */
    public function waitLinked(
        #[\SensitiveParameter] string $accessToken,
        string $appidOrGhId,
        int $waitMs,
    ): Result {
        self::check($accessToken, $appidOrGhId, $waitMs);
        return $this->call(fn ($ffi, $out) => $ffi->wx_wait_linked(
            $this->handle, $accessToken, $appidOrGhId, $waitMs, $out,
        ), hasProgress: true);
    }

    /** Refuses arguments that C would not receive unchanged. The library checks everything else. */
    private static function check(
        #[\SensitiveParameter] string $accessToken,
        string $appid = '',
        int $waitMs = 0,
    ): void {
        if (str_contains($accessToken, "\0") || str_contains($appid, "\0")) {
            throw new \ValueError('tokens, tickets and appids must not contain any null bytes');
        }
        if ($waitMs < 0 || $waitMs > 0xFFFFFFFF) {
            throw new \ValueError('waitMs must be between 0 and 4294967295');
        }
    }

    /**
     * @param \Closure $verb contains the token, so it must not be in a stack trace
     * @param bool $hasProgress whether the call is ensure or wait
     */
    private function call(
        #[\SensitiveParameter] \Closure $verb,
        bool $hasProgress = false,
    ): Result {
        $ffi = Library::ffi();
        $native = $ffi->new('wx_result *');
        try {
            $status = $verb($ffi, \FFI::addr($native));
            $result = Result::read($status, $native, $hasProgress);
        } finally {
            $ffi->wx_result_free($native);
        }
        return match ($status) {
            // Known states of a link are returned; everything else is a failure.
            Status::OK, Status::PENDING, Status::DECLINED, Status::VANISHED,
            Status::IN_DOUBT => $result,
            default => throw new WxException($result),
        };
    }

    /** Makes a native client with options, by wx_client_new or wx_client_derive. */
    private static function make(#[\SensitiveParameter] array $options, \Closure $make): \FFI\CData
    {
        $ffi = Library::ffi();
        $native = $ffi->wx_options_new();
        try {
            // First the language, which messages about the other options are in.
            $options = array_intersect_key($options, ['lang' => true]) + $options;
            foreach ($options as $key => $value) {
                if (str_contains("$key$value", "\0")) {
                    throw new \ValueError('options must not contain any null bytes');
                }
                $status = $ffi->wx_options_set($native, (string) $key, (string) $value);
                self::expectOk($status, $native);
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
            throw new WxException(Result::fromOptions($status, $options));
        }
    }
}

/** The result of a call: a value, copied out of the native library when the call ends. */
final class Result
{
    /**
     * @param int $status one of Status, or a status of a later library
     * @param int $errcode WeChat's errcode if WeChat answered, else the status: never 0 for a call
     *     that did not succeed. WeChat has an errcode -1, so look at the status first: only with
     *     Status::API is the errcode WeChat's
     * @param ErrorClass $errorClass what to do about WeChat's errcode
     * @param Delivery $delivery whether WeChat may have seen the request
     * @param int $httpStatus of the last answer, 0 if there was none; WeChat refuses with 200 too
     * @param string $message what happened and what to do, for people, in the client's language;
     *     empty after a success
     * @param string $rid the id that WeChat's support asks for; empty if WeChat sent none
     * @param string $trace every attempt with host, phase and milliseconds, as JSON for logs and
     *     support; contains no token
     * @param string $json WeChat's body byte for byte if WeChat answered, else JSON made by the
     *     library; for ensure and wait always the library's; empty if an option was refused. JSON
     *     parsers may reject WeChat's body: it sends damaged texts, even NULs. MiniProgram::$fields
     *     has the items decoded
     * @param list<MiniProgram> $items the list, in WeChat's order; for ensure and wait the mini
     *     program as they last saw it in the list, or nothing; empty for all other calls
     * @param LinkState $state how far the link has come; Unknown for calls other than ensure and
     *     wait
     * @param Administrator $waitsFor the administrator who must agree next
     * @param LinkState $found what the list showed before anything was posted
     * @param int $posts how many links ensure posted of which WeChat may have seen something
     * @param int $retryAfterMs how long an earlier invitation may still take effect; 0 unless the
     *     state is InDoubt
     * @param ?MiniProgram $item the first of the items: the mini program as ensure or wait last saw
     *     it in the list
     */
    private function __construct(
        public readonly int $status,
        public readonly int $errcode,
        public readonly ErrorClass $errorClass,
        public readonly Delivery $delivery,
        public readonly int $httpStatus,
        public readonly string $message,
        public readonly string $rid,
        public readonly string $trace,
        public readonly string $json,
        public readonly array $items,
        public readonly LinkState $state,
        public readonly Administrator $waitsFor,
        public readonly LinkState $found,
        public readonly int $posts,
        public readonly int $retryAfterMs,
        public readonly ?MiniProgram $item,
    ) {
    }

    /**
     * @internal copies a native result, which the caller still owns
     * @param bool $hasProgress whether the call was ensure or wait: only their JSON has the state
     *     of the link, in the JSON of other calls every field is WeChat's
     */
    public static function read(int $status, \FFI\CData $native, bool $hasProgress): self
    {
        $ffi = Library::ffi();
        $json = self::text($native, 'wx_result_json');
        // The JSON is empty if there is no result, after a fault in the library.
        $values = $hasProgress ? json_decode($json, true) ?? [] : [];
        $items = array_map(MiniProgram::read(...), json_decode(
            self::text($native, 'wx_list_json'),
            true,
            flags: JSON_BIGINT_AS_STRING | JSON_THROW_ON_ERROR,
        ));
        return new self(
            status: $status,
            errcode: $ffi->wx_result_errcode($native),
            errorClass: ErrorClass::tryFrom(
                $ffi->wx_class_text($ffi->wx_result_class($native), null, null),
            ) ?? ErrorClass::None,
            delivery: Delivery::tryFrom($ffi->wx_result_delivery($native)) ?? Delivery::Unknown,
            httpStatus: $ffi->wx_result_http_status($native),
            message: $ffi->wx_result_message($native),
            rid: $ffi->wx_result_rid($native),
            trace: $ffi->wx_result_trace($native),
            json: $json,
            items: $items,
            state: LinkState::tryFrom(Field::text($values, 'state') ?? '') ?? LinkState::Unknown,
            waitsFor: Administrator::tryFrom(Field::text($values, 'waits_for') ?? '')
                ?? Administrator::None,
            found: LinkState::tryFrom(Field::text($values, 'found') ?? '') ?? LinkState::Unknown,
            posts: Field::number($values, 'posts') ?? 0,
            retryAfterMs: Field::number($values, 'retry_after_ms') ?? 0,
            item: $items[0] ?? null,
        );
    }

    /** @internal the result of setting options, or of making a client with them */
    public static function fromOptions(int $status, \FFI\CData $options): self
    {
        return self::withoutAnswer($status, Library::ffi()->wx_options_message($options));
    }

    private static function withoutAnswer(int $status, string $message): self
    {
        return new self(
            status: $status,
            errcode: $status,
            errorClass: ErrorClass::None,
            delivery: Delivery::NeverSent,
            httpStatus: 0,
            message: $message,
            rid: '',
            trace: '',
            json: '',
            items: [],
            state: LinkState::Unknown,
            waitsFor: Administrator::None,
            found: LinkState::Unknown,
            posts: 0,
            retryAfterMs: 0,
            item: null,
        );
    }

    /** Reads a text that has a length. */
    private static function text(\FFI\CData $native, string $function): string
    {
        $ffi = Library::ffi();
        $length = $ffi->new('size_t');
        $text = $ffi->$function($native, \FFI::addr($length));
        return \FFI::string($text, $length->cdata);
    }
}

/**
 * One item of the list. A field that is missing or has another type is null; $fields has its value.
 */
final class MiniProgram
{
    /**
     * @param ?int $status how far the link has come: one of the constants, or a number WeChat has
     *     added since
     * @param ?string $username the original id, gh_...
     * @param ?string $appid refused items have none
     * @param ?string $source seen as SOURCE_NORMAL; WeChat does not document it
     * @param ?string $nickname the display name
     * @param ?int $selected 1: shown in the Official Account's page
     * @param ?int $nearbyDisplayStatus 1: shown in "nearby mini programs", which forbids unlinking
     * @param ?int $released 1: published
     * @param ?string $headimgUrl the URL of the picture
     * @param ?int $copyVerifyStatus seen as 1; WeChat does not document it
     * @param ?string $email the mini program's mail address
     * @param list<FuncInfo> $funcInfos WeChat verification (id 1), WeChat Pay (id 2) and others
     * @param array<string, mixed> $fields all fields as WeChat sent them, unknown ones too. U+FFFD
     *     replaces what cannot be read, such as a part of a character; a number beyond PHP's int is
     *     a string of its digits
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
        // The name in WeChat's answers first, then the names its documentation has printed.
        $funcInfos = Field::objects($fields, 'func_infos')
            ?: Field::objects($fields, 'func_info')
            ?: Field::objects($fields, 'func_News');
        return new self(
            status: Field::number($fields, 'status'),
            username: Field::id($fields, 'username'),
            appid: Field::id($fields, 'appid'),
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

/** @internal reads fields that may be missing or of another type */
final class Field
{
    /** A whole number, or one in a string. */
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

    /** A text that identifies something: not the empty one. */
    public static function id(array $fields, string $name): ?string
    {
        $id = self::text($fields, $name);
        return $id === '' ? null : $id;
    }

    /** @return list<array> the objects in a list; empty if the value is not a list */
    public static function objects(array $fields, string $name): array
    {
        $value = $fields[$name] ?? null;
        return is_array($value) ? array_values(array_filter($value, is_array(...))) : [];
    }
}

/** How far a link has come. The value is the state as the library's JSON has it. */
enum LinkState: string
{
    /** The list could not be read, or the call was neither ensure nor wait. */
    case Unknown = 'unknown';

    /** The list shows no trace of the mini program. Only Result::$found has this. */
    case Absent = 'absent';

    /** An invitation is out and waits for an administrator: see Result::$waitsFor. */
    case Pending = 'pending';

    /** The mini program is linked. */
    case Linked = 'linked';

    /** The mini program's administrator refused. */
    case Declined = 'declined';

    /** It was in the list and is no longer; after a wait also: it is not in the list. */
    case Vanished = 'vanished';

    /**
     * The list does not show the mini program, and an earlier invitation may still take effect: see
     * Result::$retryAfterMs.
     */
    case InDoubt = 'in_doubt';
}

/** The administrator who must agree to a link before it can go further. */
enum Administrator: string
{
    /** The link waits for no administrator, or the list does not show for which. */
    case None = '';

    /** The Official Account's administrator, who agrees in a template message. */
    case OfficialAccount = 'official_account';

    /** The mini program's administrator. */
    case MiniProgram = 'mini_program';
}

/**
 * A call that failed.
 *
 * The message is for people: what happened and what to do. The code is the status. A program
 * decides by $errorClass, or by $delivery if WeChat did not answer. It never contains a token.
 */
final class WxException extends \RuntimeException
{
    public readonly int $status;

    /** The status's name, such as TIMEOUT; empty for a number the library does not know. */
    public readonly string $statusName;

    public readonly int $errcode;
    public readonly ErrorClass $errorClass;
    public readonly Delivery $delivery;
    public readonly string $rid;

    /** @param Result $result the whole result of the call */
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
