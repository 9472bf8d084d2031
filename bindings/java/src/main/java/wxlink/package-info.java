/**
 * Links WeChat mini programs to Official Accounts.
 *
 * <p>Make one {@link wxlink.Client}, share it, close it at the end:
 *
 * <pre>{@code
 * try (Client client = new Client(new Options().set("timeout_ms", 5000))) {
 *     client.linkMiniprogram(token, "wx0b00000000000001", false, true);
 *     System.out.println("The invitation is out.");
 * } catch (WxException e) {
 *     System.out.println(e.getMessage());
 * }
 * }</pre>
 *
 * <p>A call that WeChat does not answer with a yes throws a {@link wxlink.WxException}; what to do
 * then, its {@link wxlink.Result#errorClass class} says. Texts are never null, empty where there is
 * nothing to say. A text argument that cannot be passed on, because it holds a NUL or half a
 * surrogate pair, is an {@link java.lang.IllegalArgumentException}; all else is judged by the
 * library, null too.
 *
 * <p>The native library is found where JNA looks: in the folders of the system property
 * {@code jna.library.path}, then where the system keeps its libraries.
 */
package wxlink;
