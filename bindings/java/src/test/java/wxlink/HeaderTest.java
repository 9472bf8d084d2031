package wxlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Map;
import java.util.TreeMap;
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
    void everyStatusIsThereUnderItsNumber() throws Exception {
        Map<String, Integer> theirs = new TreeMap<>();
        Matcher define = Pattern.compile("(?m)^#define WX_(?:E_)?(OK|(?<=E_)\\w+) \\(?(-?\\d+)\\)?$")
                .matcher(header());
        while (define.find()) {
            theirs.put(define.group(1), Integer.valueOf(define.group(2)));
        }
        Map<String, Integer> ours = new TreeMap<>();
        for (Field field : Status.class.getFields()) {
            ours.put(field.getName(), field.getInt(null));
        }
        assertTrue(theirs.containsKey("OK"));
        assertEquals(theirs, ours);
        for (Map.Entry<String, Integer> status : ours.entrySet()) {
            assertEquals(status.getKey(), Status.name(status.getValue()));
        }
        assertEquals("", Status.name(12345));
    }

    @Test
    void everyFunctionIsThereExceptExec() throws Exception {
        TreeSet<String> theirs = new TreeSet<>();
        Matcher function = Pattern.compile("(?m)^\\w[\\w *]*?(wx_\\w+)\\(").matcher(header());
        while (function.find()) {
            theirs.add(function.group(1));
        }
        assertTrue(theirs.remove("wx_exec"), "wx_exec is for hosts that cannot hold handles; a JVM can");
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
        for (ErrorClass known : ErrorClass.values()) {
            assertEquals(known, ErrorClass.fromWord(known.word()));
        }
        assertEquals("action_required", ErrorClass.ACTION_REQUIRED.word());
        assertEquals(ErrorClass.NONE, ErrorClass.fromWord("of a later library"));
        assertEquals(LinkState.ABSENT, LinkState.fromWord("absent"));
        assertEquals(LinkState.UNKNOWN, LinkState.fromWord("of a later library"));
        assertEquals(Administrator.NONE, Administrator.fromWord("of a later library"));
        assertEquals("official_account", Administrator.OFFICIAL_ACCOUNT.word());
        assertEquals("", Administrator.NONE.word());
        assertEquals(1, NotifyUsers.YES.flag());
        assertEquals(0, ShowProfile.NO.flag());
    }

    @Test
    void theCatalogueCanBeRead() {
        assertTrue(Wxlink.abiVersion() >= 1);
        assertTrue(Wxlink.version().matches("\\d+\\.\\d+\\.\\d+.*"), Wxlink.version());
        assertEquals("LINK_MESSAGE_SENT", Wxlink.errcodeText("link", 89010, "name", null));
        assertEquals("pending", Wxlink.errcodeText(null, 89010, "class", null));
        assertFalse(Wxlink.errcodeText("link", 89010, "meaning", "zh").isEmpty());
        assertEquals("", Wxlink.errcodeText("link", 89010, "color", null));
        assertTrue(Wxlink.catalogueJson().contains("\"LINK_MESSAGE_SENT\""));
    }
}
