// Written by `make generate`; do not edit.

package wxlink;

import java.nio.file.Path;
import java.time.Duration;

/** The setters of {@link Options}, one for each option. */
abstract class OptionSetters {
    /** Sets one option by its key. */
    public abstract Options set(String key, String value) throws WxException;

    /**
     * WeChat's API hosts, the preferred one first. If a request could not be sent to one host, the
     * next is tried. Takes 1 to 16 URLs separated by commas: https://HOST[:PORT], or
     * http://HOST[:PORT] if HOST is a loopback address. Default: https://api.weixin.qq.com.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options baseUrl(String... urls) throws WxException {
        return set("base_url", String.join(",", urls));
    }

    /**
     * Time limit for a whole call: name resolution, connecting, retries and reading the response.
     * Takes 1 to 3600000 ms. Default: 10000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options timeout(Duration limit) throws WxException {
        return set("timeout_ms", Long.toString(limit.toMillis()));
    }

    /**
     * Time limit for opening one connection: name resolution, TCP, proxy and TLS handshakes. Takes
     * 1 to 3600000 ms. Default: 3000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options connectTimeout(Duration limit) throws WxException {
        return set("connect_timeout_ms", Long.toString(limit.toMillis()));
    }

    /**
     * How often a call retries automatically. Only requests that cannot take effect twice are
     * retried: those that were never sent, and reads. Takes 0 to 10. Default: 2.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options maxRetries(int times) throws WxException {
        return set("max_retries", Integer.toString(times));
    }

    /**
     * How long after a post no other one is made for the same account and mini program by the calls
     * that ensure a link: an invitation may take effect long after its request seemed to fail. See
     * reliability.md. Takes 0 to 3600000 ms; 0 switches link claims and the memory of invitations
     * off. Default: 90000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options settle(Duration limit) throws WxException {
        return set("settle_ms", Long.toString(limit.toMillis()));
    }

    /**
     * Whether a mini program whose earlier invitation is no longer in the list is invited again.
     * The store remembers invitations for 90 days. Takes no or yes. Default: no.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options reinvite(boolean on) throws WxException {
        return set("reinvite", on ? "yes" : "no");
    }

    /**
     * How long an idle connection is kept open for later calls. Takes 0 to 3600000 ms; 0 opens a
     * new connection for every call. Default: 15000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options keepAlive(Duration limit) throws WxException {
        return set("keep_alive_ms", Long.toString(limit.toMillis()));
    }

    /**
     * The proxy for https hosts. With env, the client reads HTTPS_PROXY (or ALL_PROXY) and NO_PROXY
     * once, when it is created, by curl's rules. Plain http is used for loopback hosts only and
     * never through a proxy. Takes none, env, http://[USER:PASSWORD@]HOST:PORT or
     * socks5://[USER:PASSWORD@]HOST:PORT; percent-encode special characters in USER and PASSWORD.
     * Default: none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options proxy(String value) throws WxException {
        return set("proxy", value);
    }

    /**
     * CA certificates to trust in addition to the roots that trust selects. Read when the client is
     * created. Takes a path to a PEM file; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options caFile(Path path) throws WxException {
        return set("ca_file", path.toString());
    }

    /**
     * The root certificates to trust: system uses the operating system's, and the bundled ones if
     * it has none; bundled uses Mozilla's, which are part of the library. Takes system or bundled.
     * Default: system.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options trust(Trust trust) throws WxException {
        return set("trust", trust.word());
    }

    /**
     * The User-Agent header of every request. Takes 1 to 256 printable ASCII characters. Default:
     * wxlink/VERSION.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options userAgent(String value) throws WxException {
        return set("user_agent", value);
    }

    /**
     * The largest response that is read. A call fails if the response is larger. Takes 1024 to
     * 1073741824 bytes. Default: 4194304.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options maxResponseBytes(long bytes) throws WxException {
        return set("max_response_bytes", Long.toString(bytes));
    }

    /**
     * The language of messages: English or Chinese. Takes en or zh. Default: en.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options lang(Lang lang) throws WxException {
        return set("lang", lang.word());
    }

    /**
     * The Official Account for calls that pass no access token. Its token comes from one of three
     * sources: access_token, token_command or component_appid. Of a token that is passed it names
     * the owner, so that invitations are remembered. Takes the appid of an Official Account; empty
     * for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options account(String value) throws WxException {
        return set("account", value);
    }

    /**
     * Token source 1: this access token, for calls that pass none. Takes an access token; empty for
     * none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options accessToken(String value) throws WxException {
        return set("access_token", value);
    }

    /**
     * Token source 2: a program that prints an access token. It reads the lines account=APPID and
     * refused_token=TOKEN, then an empty line, from standard input. It prints the token alone, or
     * the lines access_token=TOKEN and expires_in=SECONDS, or JSON with these two fields. It is
     * killed after timeout_ms. See tokens.md. Takes a shell command; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options tokenCommand(String value) throws WxException {
        return set("token_command", value);
    }

    /**
     * Token source 3: this third-party platform. The client fetches and refreshes the access tokens
     * of the accounts that authorised it. Needs component_appsecret. Takes the appid of a
     * third-party platform; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options componentAppid(String value) throws WxException {
        return set("component_appid", value);
    }

    /**
     * The appsecret of the platform that component_appid names. Takes the platform's appsecret;
     * empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options componentAppsecret(String value) throws WxException {
        return set("component_appsecret", value);
    }

    /**
     * The token in the platform's settings that signs WeChat's pushes. To change it, set the new
     * one and the previous one: pushes signed with either are accepted. See authorization.md. Takes
     * 1 to 8 tokens separated by commas, the current one first; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options pushToken(String value) throws WxException {
        return set("push_token", value);
    }

    /**
     * The EncodingAESKey in the platform's settings that encrypts WeChat's pushes. To change it,
     * set the new one and the previous one. Takes 1 to 8 keys of 43 characters separated by commas,
     * the current one first; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options pushAesKey(String value) throws WxException {
        return set("push_aes_key", value);
    }

    /**
     * Where link claims, and a platform's tickets and tokens, are kept: memory for this process
     * only, file for all processes of one machine, redis or rediss (TLS) for several machines.
     * Takes memory, file:PATH, redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default:
     * memory.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options store(String value) throws WxException {
        return set("store", value);
    }
}
