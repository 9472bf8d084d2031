package samples;

import wxlink.Client;
import wxlink.ErrorClass;
import wxlink.NotifyUsers;
import wxlink.Options;
import wxlink.ShowProfile;
import wxlink.Status;
import wxlink.WxException;

/**
 * Links one mini program to an Official Account.
 *
 * <pre>WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS SHOW_PROFILE</pre>
 *
 * <p>The token comes from the environment, because every user of the machine can see arguments.
 * WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with 0 if
 * the mini program is linked or on its way, 1 if not, 2 after wrong arguments or options.
 */
final class Link {
    private Link() {}

    public static void main(String[] args) {
        String token = System.getenv("WXLINK_ACCESS_TOKEN");
        System.exit(run(args, token, System.getenv("WXLINK_BASE_URL")));
    }

    private static int run(String[] args, String token, String baseUrl) {
        if (token == null || args.length != 3 || !isFlag(args[1]) || !isFlag(args[2])) {
            System.err.println(
                    "usage: WXLINK_ACCESS_TOKEN=... link APPID NOTIFY_USERS(0|1)"
                            + " SHOW_PROFILE(0|1)");
            return 2;
        }
        Options options = new Options();
        try {
            if (baseUrl != null) {
                options.set("base_url", baseUrl);
            }
            try (Client client = new Client(options)) {
                client.linkMiniprogram(
                        token,
                        args[0],
                        args[1].equals("1") ? NotifyUsers.YES : NotifyUsers.NO,
                        args[2].equals("1") ? ShowProfile.YES : ShowProfile.NO);
                System.out.println("The invitation is out.");
                return 0;
            }
        } catch (WxException e) {
            boolean onItsWay =
                    e.errorClass() == ErrorClass.OK || e.errorClass() == ErrorClass.PENDING;
            (onItsWay ? System.out : System.err).println(e.getMessage());
            return onItsWay ? 0 : e.status() == Status.BAD_OPTION ? 2 : 1;
        }
    }

    private static boolean isFlag(String arg) {
        return arg.equals("0") || arg.equals("1");
    }
}
