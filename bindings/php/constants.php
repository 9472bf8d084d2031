<?php

// Written by `make generate`; do not edit.

declare(strict_types=1);

namespace Wxlink;

/**
 * How a call ended. Numbers are never reused. Treat a number that you do not know like its group:
 * -1 to -19: an argument is invalid; nothing was changed; -20 to -39: nothing was sent; calling
 * again is safe; -40 to -69: WeChat may have acted; read the list before calling again.
 */
final class Status
{
    /** WeChat accepted the request. */
    public const OK = 0;

    /** A pointer that must not be NULL is NULL. */
    public const NULL_POINTER = -1;

    /** A text is not valid UTF-8. */
    public const NOT_UTF8 = -2;

    /** An argument is invalid. */
    public const BAD_VALUE = -3;

    /** The option does not exist, or its value is invalid. */
    public const BAD_OPTION = -4;

    /** The caller's buffer is too small. */
    public const BUFFER = -5;

    /** The result holds no value at that place. */
    public const NOT_FOUND = -6;

    /** The push is not WeChat's, or not for this platform. */
    public const BAD_PUSH = -7;

    /** The host's name could not be resolved. */
    public const RESOLVE = -20;

    /** The connection to the host failed. */
    public const CONNECT = -21;

    /** The TLS handshake failed. */
    public const TLS = -22;

    /** The proxy failed to connect to the host. */
    public const PROXY = -23;

    /** The time limit was reached before anything was sent. */
    public const TIMEOUT_UNSENT = -24;

    /** No valid access token could be fetched for the account. */
    public const NO_TOKEN = -25;

    /** The store cannot be used. */
    public const STORE = -26;

    /** The time limit was reached after the request was sent. */
    public const TIMEOUT = -40;

    /** The connection broke after the request was sent. */
    public const CONNECTION_LOST = -41;

    /** An earlier invitation may still take effect. */
    public const IN_DOUBT = -42;

    /** The response is not a valid answer of WeChat. */
    public const BAD_ANSWER = -60;

    /** The response is larger than max_response_bytes. */
    public const TOO_LARGE = -61;

    /** WeChat answered with an errcode other than 0. */
    public const API = -70;

    /** An invitation was sent and waits for an administrator. */
    public const PENDING = -80;

    /** The mini program's administrator refused. */
    public const DECLINED = -81;

    /** The mini program is not, or no longer, in the list. */
    public const VANISHED = -82;

    /** The call was cancelled. */
    public const CANCELLED = -90;

    /** The client was made before a fork and used in the child. */
    public const FORKED = -91;

    /** An internal error of the library. */
    public const INTERNAL = -99;

    /** The name without its prefix, such as BAD_VALUE; empty for an unknown number. */
    public static function name(int $status): string
    {
        return (string) strstr(self::text($status), ':', before_needle: true);
    }

    /** What the status means and what to do next, in English; empty for an unknown number. */
    public static function text(int $status): string
    {
        return Library::ffi()->wx_status_text($status);
    }
}

/** What to do next about WeChat's errcode. The value is the class's word. */
enum ErrorClass: string
{
    /** WeChat did not answer, or answered with an errcode that the library does not know. */
    case None = '';

    /** Done, or done before: continue. */
    case Ok = 'ok';

    /**
     * Not a failure, it is in progress: wait for the administrators and read the list; do not
     * repeat the call.
     */
    case Pending = 'pending';

    /** Get another access token and call again, once. */
    case Token = 'token';

    /**
     * Wait and try again, a bounded number of times; read the list before repeating a link or
     * unlink.
     */
    case Busy = 'busy';

    /** Call again when the minute, the day or the month is over. */
    case Quota = 'quota';

    /** An administrator or operator must act first. */
    case ActionRequired = 'action_required';

    /** Correct the call; the same call would be refused again. */
    case InvalidRequest = 'invalid_request';

    /** Pass on the component_verify_ticket that WeChat pushes to the platform, then call again. */
    case Ticket = 'ticket';
}

/** Whether WeChat may have received the request. */
enum Delivery: int
{
    /** Nothing was sent: calling again cannot do anything twice. */
    case NeverSent = 0;

    /** The request was sent, but no answer came from WeChat: read the list before calling again. */
    case Unknown = 1;

    /** WeChat answered with an errcode, which is the outcome of the request. */
    case Answered = 2;
}

/** How far the list shows a link to be: the known values of MiniProgram::$status. */
final class LinkStatus
{
    /** The mini program is linked. */
    public const LINKED = 1;

    /** The mini program's administrator has to agree. */
    public const AWAITING_MINI_PROGRAM = 2;

    /** The mini program's administrator refused. */
    public const REFUSED = 3;

    /** The Official Account's administrator has to agree. */
    public const AWAITING_OFFICIAL_ACCOUNT = 12;
}

/** The keys of the options of a client: new Client([Option::TIMEOUT_MS => 5000]). */
final class Option
{
    /**
     * WeChat's API hosts, the preferred one first. If a request could not be sent to one host, the
     * next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
     * http://HOST[:PORT] if HOST is a loopback address. Default: https://api.weixin.qq.com.
     */
    public const BASE_URL = 'base_url';

    /**
     * Time limit for a whole call: name resolution, connecting, retries and reading the response.
     * Takes 1 to 3600000 ms. Default: 10000.
     */
    public const TIMEOUT_MS = 'timeout_ms';

    /**
     * Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes. Takes
     * 1 to 3600000 ms. Default: 3000.
     */
    public const CONNECT_TIMEOUT_MS = 'connect_timeout_ms';

    /**
     * How often a call retries automatically. Only requests that cannot take effect twice are
     * retried: those that were never sent, and reads. Takes 0 to 10. Default: 2.
     */
    public const MAX_RETRIES = 'max_retries';

    /**
     * How long after a post no other one is made for the same account and mini program by the calls
     * that ensure a link: an invitation may take effect long after its request seemed to fail. See
     * reliability.md. Takes 0 to 3600000 ms; 0 switches link claims and the memory of invitations
     * off. Default: 90000.
     */
    public const SETTLE_MS = 'settle_ms';

    /**
     * Whether a mini program whose earlier invitation is no longer in the list is invited again.
     * The store remembers invitations for 90 days. Takes no or yes. Default: no.
     */
    public const REINVITE = 'reinvite';

    /**
     * How long an idle connection is kept open for later calls. Takes 0 to 3600000 ms; 0 opens a
     * new connection for every call. Default: 15000.
     */
    public const KEEP_ALIVE_MS = 'keep_alive_ms';

    /**
     * The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and NO_PROXY
     * once, when it is created, by curl's rules. Plain http is used for loopback hosts only and
     * never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
     * socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and PASSWORD.
     * Default: none.
     */
    public const PROXY = 'proxy';

    /**
     * CA certificates to trust in addition to the roots that trust selects. Read when the client is
     * created. Takes a path to a PEM file; empty for none.
     */
    public const CA_FILE = 'ca_file';

    /**
     * The root certificates to trust: system uses the operating system's, and the bundled ones if
     * it has none; bundled uses Mozilla's, which are part of the library. Takes system or bundled.
     * Default: system.
     */
    public const TRUST = 'trust';

    /**
     * The User-Agent header of every request. Takes 1 to 256 printable ASCII characters. Default:
     * wxlink/VERSION.
     */
    public const USER_AGENT = 'user_agent';

    /**
     * The largest response that is read. A call fails if the response is larger. Takes 1024 to
     * 1073741824 bytes. Default: 4194304.
     */
    public const MAX_RESPONSE_BYTES = 'max_response_bytes';

    /** The language of messages: English or Chinese. Takes en or zh. Default: en. */
    public const LANG = 'lang';

    /**
     * The Official Account for calls that pass no access token. Its token comes from one of three
     * sources: access_token, token_command or component_appid. Of a token that is passed it names
     * the owner, so that invitations are remembered. Takes the appid of an Official Account; empty
     * for none.
     */
    public const ACCOUNT = 'account';

    /**
     * Token source 1: this access token, for calls that pass none. Takes an access token; empty for
     * none.
     */
    public const ACCESS_TOKEN = 'access_token';

    /**
     * Token source 2: a program that prints an access token. It reads the lines account=APPID and
     * refused_token=TOKEN, then an empty line, from standard input. It prints the token alone, or
     * the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two fields. It is
     * killed after timeout_ms. See tokens.md. Takes a shell command; empty for none.
     */
    public const TOKEN_COMMAND = 'token_command';

    /**
     * Token source 3: this third-party platform. The client fetches and refreshes the access tokens
     * of the accounts that authorised it. Needs component_appsecret. Takes the appid of a
     * third-party platform; empty for none.
     */
    public const COMPONENT_APPID = 'component_appid';

    /**
     * The appsecret of the platform that component_appid names. Takes the platform's appsecret;
     * empty for none.
     */
    public const COMPONENT_APPSECRET = 'component_appsecret';

    /**
     * The token in the platform's settings that signs WeChat's pushes. To change it, set the new
     * one and the previous one: pushes signed with either are accepted. See authorization.md. Takes
     * 1 to 8 tokens separated by commas, the current one first; empty for none.
     */
    public const PUSH_TOKEN = 'push_token';

    /**
     * The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it,
     * set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by commas,
     * the current one first; empty for none.
     */
    public const PUSH_AES_KEY = 'push_aes_key';

    /**
     * Where link claims, and a platform's tickets and tokens, are kept: memory for this process
     * only, file for all processes of one machine, redis or rediss (TLS) for several machines.
     * Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default:
     * memory.
     */
    public const STORE = 'store';
}
