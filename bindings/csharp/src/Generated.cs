// Written by `make generate`; do not edit.

using System;
using System.Reflection;

[assembly: AssemblyTitle("Wxlink.Net")]
[assembly: AssemblyCompany("the wxlink authors")]
[assembly: AssemblyVersion("0.1.0.0")]

namespace Wxlink
{
    /// <summary>
    /// How a call ended. Numbers are grouped: -1 to -19: an argument is invalid; nothing was
    /// changed; -20 to -39: nothing was sent; calling again is safe; -40 to -69: WeChat may have
    /// acted; read the list before calling again. Treat a number of a later library, which has no
    /// name, like its group.
    /// </summary>
    public enum Status
    {
        /// <summary>WeChat accepted the request.</summary>
        Ok = 0,

        /// <summary>A pointer that must not be NULL is NULL.</summary>
        NullPointer = -1,

        /// <summary>A text is not valid UTF-8.</summary>
        NotUtf8 = -2,

        /// <summary>An argument is invalid.</summary>
        BadValue = -3,

        /// <summary>The option does not exist, or its value is invalid.</summary>
        BadOption = -4,

        /// <summary>The caller's buffer is too small.</summary>
        Buffer = -5,

        /// <summary>The result holds no value at that place.</summary>
        NotFound = -6,

        /// <summary>The push is not WeChat's, or not for this platform.</summary>
        BadPush = -7,

        /// <summary>The host's name could not be resolved.</summary>
        Resolve = -20,

        /// <summary>The connection to the host failed.</summary>
        Connect = -21,

        /// <summary>The TLS handshake failed.</summary>
        Tls = -22,

        /// <summary>The proxy failed to connect to the host.</summary>
        Proxy = -23,

        /// <summary>The time limit was reached before anything was sent.</summary>
        TimeoutUnsent = -24,

        /// <summary>No valid access token could be fetched for the account.</summary>
        NoToken = -25,

        /// <summary>The store cannot be used.</summary>
        Store = -26,

        /// <summary>The time limit was reached after the request was sent.</summary>
        Timeout = -40,

        /// <summary>The connection broke after the request was sent.</summary>
        ConnectionLost = -41,

        /// <summary>An earlier invitation may still take effect.</summary>
        InDoubt = -42,

        /// <summary>The response is not a valid answer of WeChat.</summary>
        BadAnswer = -60,

        /// <summary>The response is larger than max_response_bytes.</summary>
        TooLarge = -61,

        /// <summary>WeChat answered with an errcode other than 0.</summary>
        Api = -70,

        /// <summary>An invitation was sent and waits for an administrator.</summary>
        Pending = -80,

        /// <summary>The mini program's administrator refused.</summary>
        Declined = -81,

        /// <summary>The mini program is not, or no longer, in the list.</summary>
        Vanished = -82,

        /// <summary>The call was cancelled.</summary>
        Cancelled = -90,

        /// <summary>The client was made before a fork and used in the child.</summary>
        Forked = -91,

        /// <summary>An internal error of the library.</summary>
        Internal = -99,
    }

    /// <summary>
    /// What to do next about WeChat's errcode. A class of a later library reads as None.
    /// </summary>
    public enum ErrorClass
    {
        /// <summary>
        /// WeChat did not answer, or answered with an errcode that the library does not know.
        /// </summary>
        None = 0,

        /// <summary>Done, or done before: continue.</summary>
        Ok = 1,

        /// <summary>
        /// Not a failure, it is in progress: wait for the administrators and read the list; do not
        /// repeat the call.
        /// </summary>
        Pending = 2,

        /// <summary>Get another access token and call again, once.</summary>
        Token = 3,

        /// <summary>
        /// Wait and try again, a bounded number of times; read the list before repeating a link or
        /// unlink.
        /// </summary>
        Busy = 4,

        /// <summary>Call again when the minute, the day or the month is over.</summary>
        Quota = 5,

        /// <summary>An administrator or operator must act first.</summary>
        ActionRequired = 6,

        /// <summary>Correct the call; the same call would be refused again.</summary>
        InvalidRequest = 7,

        /// <summary>
        /// Pass on the component_verify_ticket that WeChat pushes to the platform, then call again.
        /// </summary>
        Ticket = 8,
    }

    /// <summary>
    /// Whether WeChat may have received the request. A number of a later library reads as Unknown,
    /// the careful case.
    /// </summary>
    public enum Delivery
    {
        /// <summary>Nothing was sent: calling again cannot do anything twice.</summary>
        NeverSent = 0,

        /// <summary>
        /// The request was sent, but no answer came from WeChat: read the list before calling
        /// again.
        /// </summary>
        Unknown = 1,

        /// <summary>WeChat answered with an errcode, which is the outcome of the request.</summary>
        Answered = 2,
    }

    /// <summary>
    /// How far the list shows a link to be. The numbers are WeChat's, which may add more.
    /// </summary>
    public enum LinkStatus : long
    {
        /// <summary>The mini program is linked.</summary>
        Linked = 1,

        /// <summary>The mini program's administrator has to agree.</summary>
        AwaitingMiniProgram = 2,

        /// <summary>The mini program's administrator refused.</summary>
        Refused = 3,

        /// <summary>The Official Account's administrator has to agree.</summary>
        AwaitingOfficialAccount = 12,
    }

    /// <summary>
    /// WeChat's endpoints, for links and for a platform. An errcode may have different meanings on
    /// them.
    /// </summary>
    public enum Endpoint
    {
        /// <summary>WeChat's linkMiniprogram.</summary>
        Link,

        /// <summary>WeChat's getLinkMiniprogram.</summary>
        Get,

        /// <summary>WeChat's unlinkMiniprogram.</summary>
        Unlink,

        /// <summary>WeChat's api_component_token.</summary>
        ComponentToken,

        /// <summary>WeChat's api_authorizer_token.</summary>
        AuthorizerToken,

        /// <summary>WeChat's api_get_authorizer_list.</summary>
        AuthorizerList,

        /// <summary>WeChat's api_create_preauthcode.</summary>
        CreatePreauthcode,

        /// <summary>WeChat's api_query_auth.</summary>
        QueryAuth,

        /// <summary>WeChat's api_get_authorizer_info.</summary>
        AuthorizerInfo,

        /// <summary>WeChat's rid/get.</summary>
        Rid,
    }

    /// <summary>
    /// The values of the option trust. The root certificates to trust: system uses the operating
    /// system's, and the bundled ones if it has none; bundled uses Mozilla's, which are part of the
    /// library.
    /// </summary>
    public enum Trust
    {
        /// <summary>The value system.</summary>
        System,

        /// <summary>The value bundled.</summary>
        Bundled,
    }

    /// <summary>
    /// The values of the option lang. The language of messages: English or Chinese.
    /// </summary>
    public enum Lang
    {
        /// <summary>The value en.</summary>
        En,

        /// <summary>The value zh.</summary>
        Zh,
    }

    // The properties, one for each option.
    public sealed partial class WxOptions
    {
        /// <summary>
        /// WeChat's API hosts, the preferred one first. If a request could not be sent to one host,
        /// the next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
        /// http://HOST[:PORT] if HOST is a loopback address. Default: https://api.weixin.qq.com.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string BaseUrl
        {
            set { Set("base_url", value); }
        }

        /// <summary>
        /// Time limit for a whole call: name resolution, connecting, retries and reading the
        /// response. Takes 1 to 3600000 ms. Default: 10000.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public TimeSpan Timeout
        {
            set { Set("timeout_ms", value); }
        }

        /// <summary>
        /// Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes.
        /// Takes 1 to 3600000 ms. Default: 3000.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public TimeSpan ConnectTimeout
        {
            set { Set("connect_timeout_ms", value); }
        }

        /// <summary>
        /// How often a call retries automatically. Only requests that cannot take effect twice are
        /// retried: those that were never sent, and reads. Takes 0 to 10. Default: 2.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public int MaxRetries
        {
            set { Set("max_retries", value); }
        }

        /// <summary>
        /// How long after a post no other one is made for the same account and mini program by the
        /// calls that ensure a link: an invitation may take effect long after its request seemed to
        /// fail. See reliability.md. Takes 0 to 3600000 ms; 0 switches link claims and the memory
        /// of invitations off. Default: 90000.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public TimeSpan Settle
        {
            set { Set("settle_ms", value); }
        }

        /// <summary>
        /// Whether a mini program whose earlier invitation is no longer in the list is invited
        /// again. The store remembers invitations for 90 days. Takes no or yes. Default: no.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public bool Reinvite
        {
            set { Set("reinvite", value); }
        }

        /// <summary>
        /// How long an idle connection is kept open for later calls. Takes 0 to 3600000 ms; 0 opens
        /// a new connection for every call. Default: 15000.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public TimeSpan KeepAlive
        {
            set { Set("keep_alive_ms", value); }
        }

        /// <summary>
        /// The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and
        /// NO_PROXY once, when it is created, by curl's rules. Plain http is used for loopback
        /// hosts only and never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT
        /// or socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and
        /// PASSWORD. Default: none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string Proxy
        {
            set { Set("proxy", value); }
        }

        /// <summary>
        /// CA certificates to trust in addition to the roots that trust selects. Read when the
        /// client is created. Takes a path to a PEM file; empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string CaFile
        {
            set { Set("ca_file", value); }
        }

        /// <summary>
        /// The root certificates to trust: system uses the operating system's, and the bundled ones
        /// if it has none; bundled uses Mozilla's, which are part of the library. Takes system or
        /// bundled. Default: system.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public Trust Trust
        {
            set { Set("trust", value.Word()); }
        }

        /// <summary>
        /// The User-Agent header of every request. Takes 1 to 256 printable ASCII characters.
        /// Default: wxlink/VERSION.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string UserAgent
        {
            set { Set("user_agent", value); }
        }

        /// <summary>
        /// The largest response that is read. A call fails if the response is larger. Takes 1024 to
        /// 1073741824 bytes. Default: 4194304.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public long MaxResponseBytes
        {
            set { Set("max_response_bytes", value); }
        }

        /// <summary>
        /// The language of messages: English or Chinese. Takes en or zh. Default: en.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public Lang Lang
        {
            set { Set("lang", value.Word()); }
        }

        /// <summary>
        /// The Official Account for calls that pass no access token. Its token comes from one of
        /// three sources: access_token, token_command or component_appid. Of a token that is passed
        /// it names the owner, so that invitations are remembered. Takes the appid of an Official
        /// Account; empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string Account
        {
            set { Set("account", value); }
        }

        /// <summary>
        /// Token source 1: this access token, for calls that pass none. Takes an access token;
        /// empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string AccessToken
        {
            set { Set("access_token", value); }
        }

        /// <summary>
        /// Token source 2: a program that prints an access token. It reads the lines account=APPID
        /// and refused_token=TOKEN, then an empty line, from standard input. It prints the token
        /// alone, or the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two
        /// fields. It is killed after timeout_ms. See tokens.md. Takes a shell command; empty for
        /// none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string TokenCommand
        {
            set { Set("token_command", value); }
        }

        /// <summary>
        /// Token source 3: this third-party platform. The client fetches and refreshes the access
        /// tokens of the accounts that authorised it. Needs component_appsecret. Takes the appid of
        /// a third-party platform; empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string ComponentAppid
        {
            set { Set("component_appid", value); }
        }

        /// <summary>
        /// The appsecret of the platform that component_appid names. Takes the platform's
        /// appsecret; empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string ComponentAppsecret
        {
            set { Set("component_appsecret", value); }
        }

        /// <summary>
        /// The token in the platform's settings that signs WeChat's pushes. To change it, set the
        /// new one and the previous one: pushes signed with either are accepted. See
        /// authorization.md. Takes 1 to 8 tokens separated by commas, the current one first; empty
        /// for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string PushToken
        {
            set { Set("push_token", value); }
        }

        /// <summary>
        /// The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change
        /// it, set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated
        /// by commas, the current one first; empty for none.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string PushAesKey
        {
            set { Set("push_aes_key", value); }
        }

        /// <summary>
        /// Where link claims, and a platform's tickets and tokens, are kept: memory for this
        /// process only, file for all processes of one machine, redis or rediss (TLS) for several
        /// machines. Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or
        /// rediss://… Default: memory.
        /// </summary>
        /// <exception cref="WxArgumentException">The value is invalid.</exception>
        public string Store
        {
            set { Set("store", value); }
        }
    }
}
