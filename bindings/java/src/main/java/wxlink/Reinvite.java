// Written by `make generate`; do not edit.

package wxlink;

/**
 * The values of the option reinvite. Whether a mini program whose earlier invitation is no longer
 * in the list is invited again. The store remembers invitations for 90 days.
 */
public enum Reinvite {
    /** The value {@code no}. */
    NO,

    /** The value {@code yes}. */
    YES;

    /** The word that the native library and the other languages use. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
