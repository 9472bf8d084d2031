package samples;

import wxlink.Client;
import wxlink.ErrorClass;
import wxlink.Options;
import wxlink.Status;
import wxlink.WxException;

/**
 * Asks to unlink one mini program from an Official Account.
 *
 * <pre>WXLINK_ACCESS_TOKEN=... unlink APPID</pre>
 *
 * <p>WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0
 * if the administrator has been asked, now or before, 1 if not, 2 after wrong arguments or options.
 */
final class Unlink {
    private Unlink() {}

    public static void main(String[] args) {
        String token = System.getenv("WXLINK_ACCESS_TOKEN");
        System.exit(run(args, token, System.getenv("WXLINK_BASE_URL")));
    }

    private static int run(String[] args, String token, String baseUrl) {
        if (token == null || args.length != 1) {
            System.err.println("usage: WXLINK_ACCESS_TOKEN=... unlink APPID");
            return 2;
        }
        Options options = new Options();
        try {
            if (baseUrl != null) {
                options.set("base_url", baseUrl);
            }
            try (Client client = new Client(options)) {
                client.unlinkMiniprogram(token, args[0]);
                System.out.println("The Official Account's administrator has been asked.");
                return 0;
            }
        } catch (WxException e) {
            boolean asked =
                    e.errorClass() == ErrorClass.OK || e.errorClass() == ErrorClass.PENDING;
            (asked ? System.out : System.err).println(e.getMessage());
            return asked ? 0 : e.status() == Status.BAD_OPTION ? 2 : 1;
        }
    }
}
