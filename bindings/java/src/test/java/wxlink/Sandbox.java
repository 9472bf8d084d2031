package wxlink;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.Scanner;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A sandbox of its own, and its admin interface. */
final class Sandbox {
    private final Process process;
    private final String line;

    Sandbox() throws IOException {
        process = new ProcessBuilder(System.getProperty("wxlink.sandbox"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        line = new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))
                .readLine();
    }

    String http() {
        return text("http");
    }

    String https() {
        return text("https");
    }

    String caFile() {
        return text("ca_file");
    }

    /** Options that lead here. */
    Options options() throws WxException {
        return new Options().set("base_url", http());
    }

    /** One request to the admin interface; the answer's JSON. */
    String admin(String method, String path, String body) throws IOException {
        HttpURLConnection http =
                (HttpURLConnection) new URL(text("admin") + path).openConnection();
        http.setRequestMethod(method);
        if (!body.isEmpty()) {
            http.setDoOutput(true);
            try (OutputStream out = http.getOutputStream()) {
                out.write(body.getBytes(StandardCharsets.UTF_8));
            }
        }
        try (InputStream in = http.getInputStream(); // throws at a 4xx
                Scanner scanner = new Scanner(in, "UTF-8").useDelimiter("\\A")) {
            return scanner.hasNext() ? scanner.next() : "";
        }
    }

    void reset() throws IOException {
        admin("POST", "reset", "{}");
    }

    /** Makes something go wrong once, at that endpoint. */
    void fault(String api, String when, String fault) throws IOException {
        admin("POST", "faults",
                "{\"endpoint\":\"" + api + "\",\"when\":\"" + when + "\",\"fault\":" + fault + "}");
    }

    void agree(String account, String appid, String by) throws IOException {
        admin("POST", "approvals", "{\"account\":\"" + account + "\",\"appid\":\"" + appid
                + "\",\"by\":\"" + by + "\",\"decision\":\"agree\"}");
    }

    /** How many requests to that endpoint have arrived since the reset. */
    int received(String api) throws IOException {
        return count("received", api);
    }

    /** How many of them took effect. */
    int processed(String api) throws IOException {
        return count("processed", api);
    }

    /** Returns as soon as so many requests have arrived. */
    void awaitReceived(String api, int count) throws Exception {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (received(api) < count) {
            if (System.nanoTime() > end) {
                throw new AssertionError(count + " requests to " + api + " did not arrive");
            }
            Thread.sleep(5);
        }
    }

    void stop() throws InterruptedException {
        process.destroy();
        process.waitFor();
    }

    private int count(String what, String api) throws IOException {
        return Integer.parseInt(find(
                admin("GET", "journal/counts", ""),
                "\"" + what + "\":\\{[^}]*\"" + api + "\":(\\d+)"));
    }

    private String text(String key) {
        return find(line, "\"" + key + "\":\"([^\"]*)\"");
    }

    private static String find(String json, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(json);
        if (!matcher.find()) {
            throw new AssertionError("no " + pattern + " in " + json);
        }
        return matcher.group(1);
    }
}
