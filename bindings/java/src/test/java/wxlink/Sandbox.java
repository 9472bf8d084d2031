package wxlink;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The WeChat simulator that tools/with_sandbox.py started, and its admin interface. All tests share
 * it, one after the other: each resets it first.
 */
final class Sandbox {
    String http() {
        return address("WXLINK_BASE_URL");
    }

    String https() {
        return address("WXLINK_SANDBOX_HTTPS");
    }

    String caFile() {
        return address("WXLINK_SANDBOX_CA_FILE");
    }

    /** Options whose client calls the simulator. Claims would outlive its resets. */
    Options options() throws WxException {
        return new Options().set("base_url", http()).settle(Duration.ZERO);
    }

    /** Sends one request to the admin interface and returns the JSON of the response. */
    String admin(String method, String path, String body) throws IOException {
        URL url = new URL(address("WXLINK_SANDBOX_ADMIN") + path);
        HttpURLConnection http = (HttpURLConnection) url.openConnection();
        http.setRequestMethod(method);
        if (!body.isEmpty()) {
            http.setDoOutput(true);
            try (OutputStream out = http.getOutputStream()) {
                out.write(body.getBytes(StandardCharsets.UTF_8));
            }
        }
        try (InputStream in = http.getInputStream(); // throws for a 4xx status
                Scanner scanner = new Scanner(in, "UTF-8").useDelimiter("\\A")) {
            return scanner.hasNext() ? scanner.next() : "";
        }
    }

    void reset() throws IOException {
        admin("POST", "reset", "{}");
    }

    /** Makes the next request to an endpoint fail in a certain way. */
    void fault(String api, String when, String fault) throws IOException {
        admin("POST", "faults",
                "{\"endpoint\":\"" + api + "\",\"when\":\"" + when + "\",\"fault\":" + fault + "}");
    }

    void agree(String account, String appid, String by) throws IOException {
        admin("POST", "approvals", "{\"account\":\"" + account + "\",\"appid\":\"" + appid
                + "\",\"by\":\"" + by + "\",\"decision\":\"agree\"}");
    }

    /** How many requests to an endpoint have arrived since the reset. */
    int received(String api) throws IOException {
        return count("received", api);
    }

    /** How many of them took effect. */
    int processed(String api) throws IOException {
        return count("processed", api);
    }

    /** Waits until that many requests to an endpoint have arrived. */
    void awaitReceived(String api, int count) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (received(api) < count) {
            if (System.nanoTime() > end) {
                throw new AssertionError(count + " requests to " + api + " did not arrive");
            }
            Thread.sleep(5);
        }
    }

    private int count(String what, String api) throws IOException {
        return Integer.parseInt(find(
                admin("GET", "journal/counts", ""),
                "\"" + what + "\":\\{[^}]*\"" + api + "\":(\\d+)"));
    }

    private static String address(String variable) {
        String value = System.getenv(variable);
        if (value == null) {
            throw new AssertionError(variable + " is not set: run bindings/java/test.sh");
        }
        return value;
    }

    private static String find(String json, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(json);
        if (!matcher.find()) {
            throw new AssertionError("no " + pattern + " in " + json);
        }
        return matcher.group(1);
    }
}
