// Written by `make generate`; do not edit.

package wxlink;

/**
 * The values of the option trust. The root certificates to trust: system uses the operating
 * system's, and the bundled ones if it has none; bundled uses Mozilla's, which are part of the
 * library.
 */
public enum Trust {
    /** The value {@code system}. */
    SYSTEM,

    /** The value {@code bundled}. */
    BUNDLED;

    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
