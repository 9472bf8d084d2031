package conform;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import wxlink.Client;
import wxlink.Delivery;
import wxlink.Endpoint;
import wxlink.ErrcodeField;
import wxlink.Lang;
import wxlink.MiniProgram;
import wxlink.NotifyUsers;
import wxlink.Options;
import wxlink.Result;
import wxlink.ShowProfile;
import wxlink.Status;
import wxlink.WxException;
import wxlink.Wxlink;

/**
 * Makes the calls of the shared test vectors: one request per line on stdin, one answer per line on
 * stdout. tests/conformance.rs describes the lines.
 */
final class Conform {
    private final String verb;
    private final Map<String, String> request = new HashMap<>();
    private final StringBuilder reply = new StringBuilder();

    private Conform(String line) throws IOException {
        String[] fields = line.split("\t");
        verb = fields[0];
        for (int i = 1; i < fields.length; i++) {
            String[] field = fields[i].split("=", 2);
            request.put(field[0], URLDecoder.decode(field[1].replace("+", "%2B"), "UTF-8"));
        }
    }

    public static void main(String[] args) throws IOException {
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        String line;
        while ((line = in.readLine()) != null) {
            System.out.println(new Conform(line).answer());
        }
    }

    private String answer() {
        switch (verb) {
            case "option":
                setOption();
                break;
            case "errcodes":
                explain();
                break;
            default:
                call();
        }
        return reply.toString();
    }

    private void setOption() {
        try {
            new Options().set(request.get("key"), request.get("value"));
            put("status", Status.OK);
        } catch (WxException e) {
            put("status", e.status());
            put("message", e.getMessage());
        }
    }

    private void explain() {
        Endpoint endpoint = Endpoint.valueOf(request.get("endpoint").toUpperCase(Locale.ROOT));
        int errcode = number("errcode");
        ErrcodeField[] fields = {
            ErrcodeField.NAME, ErrcodeField.CLASS, ErrcodeField.MEANING, ErrcodeField.REMEDY,
        };
        String name = Wxlink.errcodeText(endpoint, errcode, ErrcodeField.NAME, Lang.EN);
        put("status", name.isEmpty() ? Status.NOT_FOUND : Status.OK);
        for (ErrcodeField field : fields) {
            put(field.name().toLowerCase(Locale.ROOT),
                    Wxlink.errcodeText(endpoint, errcode, field, Lang.EN));
        }
    }

    private void call() {
        try (Client client = new Client(options())) {
            put(call(client));
        } catch (WxException e) {
            put(e.result());
        } catch (IllegalArgumentException e) {
            // The binding refuses what C would not receive unchanged, before it calls the library.
            put("status", Status.BAD_VALUE);
            put("delivery", word(Delivery.NEVER_SENT));
            put("message", e.getMessage());
        }
    }

    private Options options() throws WxException {
        Options options = new Options();
        for (Map.Entry<String, String> field : request.entrySet()) {
            if (field.getKey().startsWith("option.")) {
                options.set(field.getKey().substring("option.".length()), field.getValue());
            }
        }
        return options;
    }

    private Result call(Client client) throws WxException {
        String token = request.get("access_token");
        String appid = request.get("appid");
        NotifyUsers notify = number("notify_users") == 0 ? NotifyUsers.NO : NotifyUsers.YES;
        ShowProfile show = number("show_profile") == 0 ? ShowProfile.NO : ShowProfile.YES;
        Duration wait = Duration.ofMillis(number("wait_ms"));
        switch (verb) {
            case "link":
                return client.linkMiniprogram(token, appid, notify, show);
            case "get":
                return client.getLinked(token);
            case "unlink":
                return client.unlinkMiniprogram(token, appid);
            case "ensure":
                return client.ensureLinked(token, appid, notify, show, wait);
            case "wait":
                return client.waitLinked(token, appid, wait);
            case "push":
                byte[] body = request.get("body").getBytes(StandardCharsets.UTF_8);
                return client.acceptPush(request.get("query"), body);
            default:
                throw new IllegalStateException("unknown verb " + verb);
        }
    }

    private int number(String key) {
        return Integer.parseInt(request.getOrDefault(key, "0"));
    }

    private void put(Result result) {
        put("status", result.status());
        if (result.status() == Status.OK || result.status() == Status.API) {
            put("errcode", result.errcode());
        }
        put("class", result.errorClass().word());
        put("delivery", word(result.delivery()));
        put("http_status", result.httpStatus());
        put("rid", result.rid());
        put("message", result.message());
        put("body", result.jsonBytes());
        switch (verb) {
            case "ensure":
            case "wait":
                put("state", result.state().word());
                put("waits_for", result.waitsFor().word());
                put("posts", result.posts());
                break;
            case "get":
                if (result.status() == Status.OK) {
                    put(result.items());
                }
                break;
            default:
        }
    }

    private void put(List<MiniProgram> items) {
        put("items", items.size());
        for (int i = 0; i < items.size(); i++) {
            MiniProgram item = items.get(i);
            String name = "item." + i + ".";
            put(name + "status", item.status());
            put(name + "username", item.username());
            put(name + "appid", item.appid());
            put(name + "source", item.source());
            put(name + "nickname", item.nickname());
            put(name + "selected", item.selected());
            put(name + "nearby_display_status", item.nearbyDisplayStatus());
            put(name + "released", item.released());
            put(name + "headimg_url", item.headimgUrl());
            put(name + "copy_verify_status", item.copyVerifyStatus());
            put(name + "email", item.email());
            put(name + "func_infos", item.funcInfos().size());
            for (int j = 0; j < item.funcInfos().size(); j++) {
                MiniProgram.FuncInfo info = item.funcInfos().get(j);
                put(name + "func_infos." + j + ".id", info.id());
                put(name + "func_infos." + j + ".status", info.status());
                put(name + "func_infos." + j + ".name", info.name());
            }
        }
    }

    private static String word(Delivery delivery) {
        return delivery.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }

    private void put(String key, Optional<String> text) {
        text.ifPresent(t -> put(key, t));
    }

    private void put(String key, OptionalLong number) {
        number.ifPresent(n -> put(key, n));
    }

    private void put(String key, Object value) {
        put(key, value.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void put(String key, byte[] value) {
        reply.append(reply.length() == 0 ? "" : "\t").append(key).append('=');
        for (byte b : value) {
            if (b < ' ' || b > '~' || b == '%') {
                reply.append(String.format("%%%02X", b));
            } else {
                reply.append((char) b);
            }
        }
    }
}
