// Written by `make generate`; do not edit.

package wxlink;

/** The values of the option lang. The language of messages: English or Chinese. */
public enum Lang {
    /** The value {@code en}. */
    EN,

    /** The value {@code zh}. */
    ZH;

    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
