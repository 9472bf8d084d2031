package wxlink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the samples as a user does. */
@Timeout(120)
class SamplesTest {
    private static final String APPID = "wx0b00000000000001";
    private static final String ACCOUNT = "wx0a00000000000001";

    @TempDir
    Path folder;

    private final Sandbox sandbox = new Sandbox();
    private String baseUrl = sandbox.http();
    private String token = "SANDBOX-TOKEN";

    @BeforeEach
    void reset() throws Exception {
        sandbox.reset();
    }

    private String out;
    private String err;

    /** Runs a sample to its end and returns its exit code. */
    private int run(String... args) throws Exception {
        List<String> command = new ArrayList<>();
        command.add(System.getProperty("wxlink.checkout") + "/bindings/java/run.sh");
        command.addAll(Arrays.asList(args));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("WXLINK_BASE_URL", baseUrl);
        builder.environment().remove("WXLINK_ACCESS_TOKEN");
        if (token != null) {
            builder.environment().put("WXLINK_ACCESS_TOKEN", token);
        }
        Path stdout = folder.resolve("stdout");
        Path stderr = folder.resolve("stderr");
        builder.redirectOutput(stdout.toFile()).redirectError(stderr.toFile());
        int code = builder.start().waitFor();
        out = new String(Files.readAllBytes(stdout), StandardCharsets.UTF_8);
        err = new String(Files.readAllBytes(stderr), StandardCharsets.UTF_8);
        return code;
    }

    private void prints(String start, int code, String... args) throws Exception {
        assertEquals(code, run(args), err);
        assertTrue(out.startsWith(start), out);
        assertEquals(out.length() - 1, out.indexOf('\n'), "one line");
        assertEquals("", err);
    }

    private void fails(String start, int code, String... args) throws Exception {
        assertEquals(code, run(args), out);
        assertEquals("", out);
        assertTrue(err.startsWith(start), err);
        assertEquals(err.length() - 1, err.indexOf('\n'), "one line");
    }

    @Test
    void linkAndUnlink() throws Exception {
        prints("The invitation is out.\n", 0, "link", APPID, "0", "1");
        prints("linkMiniprogram: WeChat answered 89010 ", 0, "link", APPID, "0", "1");
        fails("linkMiniprogram: WeChat answered 89013 ", 1, "link", "wx0b000000000000e1", "0", "1");
        fails("unlinkMiniprogram: ", 1, "unlink", APPID);
        sandbox.agree(ACCOUNT, APPID, "official_account");
        sandbox.agree(ACCOUNT, APPID, "mini_program");
        prints("linkMiniprogram: WeChat answered 89015 ", 0, "link", APPID, "0", "1");
        prints("The Official Account's administrator has been asked.\n", 0, "unlink", APPID);
        prints("unlinkMiniprogram: WeChat answered 89018 ", 0, "unlink", APPID);
    }

    @Test
    void list() throws Exception {
        token = "SANDBOX-TOKEN-3";
        assertEquals(0, run("list"), err);
        assertEquals(
                "  APPID               ORIGINAL ID         STATUS                                            NAME\n"
                + "  wx0b00000000000011  gh_000000000011     linked                                            示例小程序11\n"
                + "  wx0b00000000000012  gh_000000000012     waiting for the Official Account's administrator  示例小程序12\n"
                + "  wx0b00000000000013  gh_000000000013     waiting for the mini program's administrator      示例小程序13\n"
                + "  -                   gh_000000000014     refused by the mini program's administrator       示例小程序14\n"
                + "  wx0b00000000000015  gh_000000000015     linked                                            示例小程序15\n"
                + "  wx0a00000000000004  gh_000000000004     linked                                            示例服务号\n",
                out);
        token = "SANDBOX-TOKEN";
        assertEquals(0, run("list"), err);
        assertTrue(out.endsWith("NAME\n  (none)\n"), out);
        token = "SANDBOX-EXPIRED";
        fails("getLinkMiniprogram: WeChat answered 42001 ", 1, "list");
    }

    @Test
    void refusal() throws Exception {
        prints("done: the invitation is out\n", 0, "refusal", APPID);
        prints("done: linkMiniprogram: WeChat answered 89010 ", 0, "refusal", APPID);
        prints(
                "action_required: linkMiniprogram: WeChat answered 89013 ",
                1,
                "refusal",
                "wx0b000000000000e1");
        answers(89016);
        prints("quota: call again when it is renewed\n", 4, "refusal", APPID);
        answers(-1);
        prints("busy: wait a little, then call again\n", 4, "refusal", APPID);
        answers(40013);
        prints("invalid_request: linkMiniprogram: WeChat answered 40013 ", 1, "refusal", APPID);
        answers(123456);
        prints("unknown: linkMiniprogram: ", 5, "refusal", APPID);
        sandbox.fault("link", "before", "{\"drop\":\"close\"}");
        prints("unknown: linkMiniprogram: ", 5, "refusal", APPID);
        token = "SANDBOX-EXPIRED";
        prints("token: get another access token, then call again\n", 3, "refusal", APPID);
    }

    private void answers(int errcode) throws IOException {
        sandbox.fault("link", "before", "{\"errcode\":{\"code\":" + errcode + "}}");
    }

    @Test
    void wrongArgumentsAndOptions() throws Exception {
        fails("usage: ", 2, "link", APPID, "0");
        fails("usage: ", 2, "link", APPID, "2", "1");
        fails("usage: ", 2, "unlink");
        fails("usage: ", 2, "refusal");
        fails("usage: ", 2, "nothing");
        baseUrl = "http://example.com";
        fails("BAD_OPTION: ", 2, "link", APPID, "0", "1");
        fails("BAD_OPTION: ", 2, "list");
        fails("BAD_OPTION: ", 2, "unlink", APPID);
        fails("BAD_OPTION: ", 2, "refusal", APPID);
        token = null;
        fails("usage: ", 2, "list");
        assertEquals(0, sandbox.received("link"));
    }
}
