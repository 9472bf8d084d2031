package wxlink;

import java.util.Locale;

/** The fields of an errcode that {@link Wxlink#errcodeText} looks up. */
public enum ErrcodeField {
    /** The name, such as {@code LINK_MESSAGE_SENT}. */
    NAME,
    /** The word of its {@link ErrorClass}, such as {@code action_required}. */
    CLASS,
    /** WeChat's own words. */
    ERRMSG,
    /** What the errcode means. */
    MEANING,
    /** What to do about it. */
    REMEDY;

    /** The word that the native library uses. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
