package wxlink;

import static wxlink.Lib.LIB;

import com.sun.jna.Pointer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Settings for a client: text keys with text values, checked when they are set.
 *
 * <p>The keys are those of the native library, such as {@code base_url}, {@code timeout_ms},
 * {@code proxy} and {@code lang}; docs/options.md lists them all. Clients copy
 * options; options need not be closed. Threads: one at a time.
 */
public final class Options extends OptionSetters {
    private final Map<String, String> values = new LinkedHashMap<>();

    /** Makes options, every value at its default. */
    public Options() {}

    /**
     * Sets one option.
     *
     * @return this
     * @throws WxException BAD_OPTION if the key is unknown or the value invalid; the option then
     *     keeps its old value
     */
    @Override
    public Options set(String key, String value) throws WxException {
        Pointer probe = LIB.wx_options_new();
        try {
            set(probe, Lib.text("key", key), Lib.text("value", value));
        } finally {
            LIB.wx_options_free(probe);
        }
        values.put(key, value);
        return this;
    }

    /** Sets an option whose value is a number: of milliseconds, bytes or retries. */
    public Options set(String key, long value) throws WxException {
        return set(key, Long.toString(value));
    }

    /** Copies the options into native ones, which the caller frees. */
    Pointer toNative() throws WxException {
        Pointer options = LIB.wx_options_new();
        try {
            for (Map.Entry<String, String> option : values.entrySet()) {
                set(options, option.getKey(), option.getValue());
            }
        } catch (WxException e) {
            LIB.wx_options_free(options);
            throw e;
        }
        return options;
    }

    private static void set(Pointer options, String key, String value) throws WxException {
        int status = LIB.wx_options_set(options, key, value);
        if (status != Status.OK.code()) {
            throw new WxException(Result.fromOptions(status, options));
        }
    }
}
