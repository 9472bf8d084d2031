package samples;

import wxlink.Client;
import wxlink.NotifyUsers;
import wxlink.Options;
import wxlink.ShowProfile;
import wxlink.Status;
import wxlink.WxException;

/**
 * Links one mini program and decides by the error's class, not by WeChat's many errcodes, what to
 * do after a refusal.
 *
 * <pre>WXLINK_ACCESS_TOKEN=... refusal APPID</pre>
 *
 * <p>WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0
 * if the mini program is linked or on its way, 1 if a person must act first, 2 after wrong
 * arguments or options, 3 if another token is needed, 4 if the call may be repeated later, 5 if the
 * outcome is unknown.
 */
final class Refusal {
    private Refusal() {}

    public static void main(String[] args) {
        String token = System.getenv("WXLINK_ACCESS_TOKEN");
        System.exit(run(args, token, System.getenv("WXLINK_BASE_URL")));
    }

    private static int run(String[] args, String token, String baseUrl) {
        if (token == null || args.length != 1) {
            System.err.println("usage: WXLINK_ACCESS_TOKEN=... refusal APPID");
            return 2;
        }
        Options options = new Options();
        try {
            if (baseUrl != null) {
                options.set("base_url", baseUrl);
            }
            try (Client client = new Client(options)) {
                client.linkMiniprogram(token, args[0], NotifyUsers.NO, ShowProfile.YES);
                return print("done: the invitation is out", 0);
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
            case OK:
            case PENDING:
                return print("done: " + e.getMessage(), 0);
            case TOKEN:
                return print("token: get another access token, then call again", 3);
            case BUSY:
                return print("busy: wait a little, then call again", 4);
            case QUOTA:
                return print("quota: call again when it is renewed", 4);
            case ACTION_REQUIRED:
            case INVALID_REQUEST:
                return print(e.errorClass().word() + ": " + e.getMessage(), 1);
            default: // No answer, or an unknown errcode: read the list before linking again.
                return print("unknown: " + e.getMessage(), 5);
        }
    }

    private static int print(String line, int exitCode) {
        System.out.println(line);
        return exitCode;
    }
}
