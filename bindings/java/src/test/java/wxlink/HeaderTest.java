package wxlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.time.Duration;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The constants and functions declared in Java are those of the header. */
class HeaderTest {
    private static String header() throws Exception {
        byte[] bytes = Files.readAllBytes(
                Paths.get(System.getProperty("wxlink.checkout"), "include", "wxlink.h"));
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void theLibraryKnowsEveryStatusAndClass() {
        for (Status status : Status.values()) {
            String name = status == Status.UNKNOWN ? "" : status.name() + ": ";
            assertTrue(status.text().startsWith(name), status.text());
            assertEquals(name.isEmpty(), status.text().isEmpty());
            assertEquals(status, Status.fromCode(status.code()));
        }
        assertEquals(Status.UNKNOWN, Status.fromCode(12345));
        for (ErrorClass known : ErrorClass.values()) {
            assertEquals(known.word(), Lib.LIB.wx_class_text(known.code(), null, null));
            assertEquals(known, ErrorClass.fromCode(known.code()));
        }
        assertEquals(ErrorClass.NONE, ErrorClass.fromCode(12345));
        assertEquals(Delivery.UNKNOWN, Delivery.fromCode(12345));
    }

    @Test
    void everyOptionHasASetter() throws Exception {
        Options options = new Options()
                .baseUrl("https://a.example", "https://b.example")
                .timeout(Duration.ofSeconds(5))
                .maxRetries(0)
                .maxResponseBytes(1 << 20)
                .caFile(Paths.get(""))
                .lang(Lang.ZH);
        assertThrows(WxException.class, () -> options.timeout(Duration.ZERO));
        new Client(options).close();
    }

    @Test
    void everyFunctionIsThereExceptExec() throws Exception {
        TreeSet<String> theirs = new TreeSet<>();
        Matcher function = Pattern.compile("(?m)^\\w[\\w *]*?(wx_\\w+)\\(").matcher(header());
        while (function.find()) {
            // The others are for Visual Basic and the like.
            if (!function.group().contains("__stdcall")) {
                theirs.add(function.group(1));
            }
        }
        assertTrue(
                theirs.remove("wx_exec"),
                "wx_exec is for hosts that cannot hold handles; a JVM can");
        TreeSet<String> ours = new TreeSet<>();
        for (Method method : Lib.class.getMethods()) {
            if (Modifier.isAbstract(method.getModifiers())) {
                ours.add(method.getName());
            }
        }
        assertEquals(theirs, ours);
    }

    @Test
    void closedSetsKnowTheirWords() {
        assertEquals("action_required", ErrorClass.ACTION_REQUIRED.word());
        assertEquals(LinkState.ABSENT, LinkState.fromWord("absent"));
        assertEquals(LinkState.UNKNOWN, LinkState.fromWord("of a later library"));
        assertEquals(Administrator.NONE, Administrator.fromWord("of a later library"));
        assertEquals("official_account", Administrator.OFFICIAL_ACCOUNT.word());
        assertEquals("", Administrator.NONE.word());
        assertEquals(1, NotifyUsers.YES.flag());
        assertEquals(0, ShowProfile.NO.flag());
    }

    @Test
    void theErrcodesCanBeRead() {
        assertTrue(Wxlink.abiVersion() >= 1);
        assertTrue(Wxlink.version().matches("\\d+\\.\\d+\\.\\d+.*"), Wxlink.version());
        assertEquals(
                "LINK_MESSAGE_SENT",
                Wxlink.errcodeText(Endpoint.LINK, 89010, ErrcodeField.NAME, Lang.EN));
        assertEquals("pending", Wxlink.errcodeText(null, 89010, ErrcodeField.CLASS, Lang.EN));
        for (ErrcodeField field : ErrcodeField.values()) {
            for (Lang lang : Lang.values()) {
                assertFalse(Wxlink.errcodeText(Endpoint.LINK, 89010, field, lang).isEmpty());
            }
        }
        assertEquals("", Wxlink.errcodeText(Endpoint.LINK, -5, ErrcodeField.NAME, Lang.EN));
        assertTrue(Wxlink.errcodesJson().contains("\"LINK_MESSAGE_SENT\""));
    }
}
