/**
 * Links WeChat mini programs to Official Accounts.
 *
 * <p>Make one {@link wxlink.Client}, share it, and close it at the end:
 *
 * <pre>{@code
 * try (Client client = new Client(new Options().set("timeout_ms", 5000))) {
 *     Result result = client.ensureLinked(
 *             token, "wx0b00000000000001", NotifyUsers.NO, ShowProfile.YES, Duration.ofMinutes(1));
 *     System.out.println(result.state() + ", waits for " + result.waitsFor());
 * } catch (WxException e) {
 *     System.err.println(e.getMessage());
 * }
 * }</pre>
 *
 * <p>A call that fails throws a {@link wxlink.WxException}, and a program decides by its {@link
 * wxlink.WxException#errorClass class} what to do. {@link wxlink.Client#ensureLinked} and {@link
 * wxlink.Client#waitLinked} return a link that is pending, declined, vanished or in doubt, and do
 * not throw.
 *
 * <p>Texts are never null; a missing text is empty. A text argument that C would not receive
 * unchanged, because it holds a NUL or half a surrogate pair, is an {@link
 * java.lang.IllegalArgumentException}. The library checks everything else, null included.
 *
 * <p>The native library is looked for as JNA does: in the folders of the system property {@code
 * jna.library.path}, then in the system's library folders, then in the jar. From there it is copied
 * to a temporary file of this user, which is removed once it is loaded; {@code jna.tmpdir} names
 * another folder for it.
 */
package wxlink;
