package samples;

import wxlink.Client;
import wxlink.Options;
import wxlink.Status;
import wxlink.WxException;

/**
 * Links one mini program and shows how a program decides what to do when it is refused: by the
 * error's class, not by WeChat's many errcodes.
 *
 * <pre>WXLINK_TOKEN=... refusal APPID</pre>
 *
 * <p>WXLINK_BASE_URL, if set, leads elsewhere than to WeChat: to the sandbox, say. Exits with 0 if
 * it is done, 1 if people must act, 3 if another token is needed, 4 if it will do later, 5 if nobody
 * knows, 2 if called wrongly.
 */
final class Refusal {
    private Refusal() {}

    public static void main(String[] args) {
        System.exit(run(args, System.getenv("WXLINK_TOKEN"), System.getenv("WXLINK_BASE_URL")));
    }

    private static int run(String[] args, String token, String baseUrl) {
        if (token == null || args.length != 1) {
            System.err.println("usage: WXLINK_TOKEN=... refusal APPID");
            return 2;
        }
        Options options = new Options();
        try {
            if (baseUrl != null) {
                options.set("base_url", baseUrl);
            }
            try (Client client = new Client(options)) {
                client.linkMiniprogram(token, args[0], false, true);
                return say("done: the invitation is out", 0);
            }
        } catch (WxException e) {
            return decide(e);
        }
    }

    private static int decide(WxException e) {
        if (e.status() == Status.BAD_OPTION) {
            System.err.println(e.getMessage());
            return 2;
        }
        switch (e.errorClass()) {
            case "ok":
            case "pending":
                return say("done: " + e.getMessage(), 0);
            case "token":
                return say("token: get another access token, then call again", 3);
            case "busy":
                return say("busy: wait a little, then call again", 4);
            case "quota":
                return say("quota: call again when it is renewed", 4);
            case "action_required":
            case "invalid_request":
                return say(e.errorClass() + ": " + e.getMessage(), 1);
            default: // no answer, or a code nobody has described: the list tells what became of it
                return say("unknown: " + e.getMessage(), 5);
        }
    }

    private static int say(String line, int exitCode) {
        System.out.println(line);
        return exitCode;
    }
}
