// Written by `make generate`; do not edit.

package wxlink;

import java.nio.file.Path;
import java.time.Duration;

/** The setters of {@link Options}, one for each option. */
abstract class OptionSetters {
    /** Sets one option by its key. */
    public abstract Options set(String key, String value) throws WxException;

    /**
     * WeChat's entry hosts in order of preference; what was never sent may move on to the next.
     * Takes 1 to 16 URLs, separated by commas: https://HOST[:PORT], or http://HOST[:PORT] on
     * loopback. Default: https://api.weixin.qq.com.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options baseUrl(String... urls) throws WxException {
        return set("base_url", String.join(",", urls));
    }

    /**
     * Time limit of a whole call: names, connections, retries and the answer included. Takes 1 to
     * 3600000 ms. Default: 10000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options timeout(Duration limit) throws WxException {
        return set("timeout_ms", Long.toString(limit.toMillis()));
    }

    /**
     * Time limit of one attempt to get a connection: name, TCP, proxy and TLS together. Takes 1 to
     * 3600000 ms. Default: 3000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options connectTimeout(Duration limit) throws WxException {
        return set("connect_timeout_ms", Long.toString(limit.toMillis()));
    }

    /**
     * How often a call tries again by itself, and only what cannot happen twice: requests never
     * sent, and reads. Takes 0 to 10. Default: 2.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options maxRetries(int times) throws WxException {
        return set("max_retries", Integer.toString(times));
    }

    /**
     * How long an idle connection is kept for the next call. Takes 0 to 3600000 ms; 0 opens a
     * connection for every call. Default: 15000.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options keepAlive(Duration limit) throws WxException {
        return set("keep_alive_ms", Long.toString(limit.toMillis()));
    }

    /**
     * The proxy for https hosts; env reads HTTPS_PROXY, else ALL_PROXY, and NO_PROXY as curl does,
     * when the client is created. Plain http goes to loopback and never through a proxy. Takes
     * none, env, http://[USER:PASSWORD@]HOST:PORT or socks5://[USER:PASSWORD@]HOST:PORT; special
     * characters of a user or password percent-encoded. Default: none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options proxy(String value) throws WxException {
        return set("proxy", value);
    }

    /**
     * CA certificates trusted besides the roots; read when the client is made. Takes a path to a
     * PEM file; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options caFile(Path path) throws WxException {
        return set("ca_file", path.toString());
    }

    /**
     * The roots: the system's, or Mozilla's as bundled with the library, which also serve where the
     * system has none. Takes system or bundled. Default: system.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options trust(String value) throws WxException {
        return set("trust", value);
    }

    /**
     * The User-Agent header. Takes 1 to 256 printable ASCII characters. Default: wxlink/VERSION.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options userAgent(String value) throws WxException {
        return set("user_agent", value);
    }

    /**
     * The largest answer that is read. Takes 1024 to 1073741824 bytes. Default: 4194304.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options maxResponseBytes(long bytes) throws WxException {
        return set("max_response_bytes", Long.toString(bytes));
    }

    /**
     * The language of messages and remedies. Takes en or zh. Default: en.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options lang(String value) throws WxException {
        return set("lang", value);
    }

    /**
     * The Official Account that calls without an access_token are for; its token comes from the
     * source that is set. Takes an appid; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options account(String value) throws WxException {
        return set("account", value);
    }

    /**
     * A source of tokens: this one, for calls without an access_token. Takes a token; empty for
     * none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options accessToken(String value) throws WxException {
        return set("access_token", value);
    }

    /**
     * A source of tokens: a program that reads lines on its input (account=, refused_token=, an
     * empty line) and prints the token alone, lines access_token= and expires_in= (s), or JSON such
     * as WeChat's; killed after timeout_ms. See tokens.md. Takes a shell command; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options tokenCommand(String value) throws WxException {
        return set("token_command", value);
    }

    /**
     * A source of tokens: this third-party platform, which gets and renews its accounts' tokens
     * from WeChat. Takes an appid; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options componentAppid(String value) throws WxException {
        return set("component_appid", value);
    }

    /**
     * The platform's appsecret. Takes a secret; empty for none.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options componentAppsecret(String value) throws WxException {
        return set("component_appsecret", value);
    }

    /**
     * Where the platform's tickets and tokens are kept: for this client alone, for the processes of
     * a machine, or for many machines. Takes memory, file:PATH,
     * redis://[USER:PASSWORD@]HOST[:PORT][/DB] or rediss://… Default: memory.
     *
     * @return these options
     * @throws WxException BAD_OPTION if the value is invalid
     */
    public Options store(String value) throws WxException {
        return set("store", value);
    }
}
