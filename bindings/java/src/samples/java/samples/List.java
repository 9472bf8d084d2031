package samples;

import java.util.Optional;
import wxlink.Client;
import wxlink.MiniProgram;
import wxlink.Options;
import wxlink.Status;
import wxlink.WxException;

/**
 * Lists the mini programs linked to an Official Account, and those on their way.
 *
 * <pre>WXLINK_ACCESS_TOKEN=... list</pre>
 *
 * <p>WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's. Exits with
 * 0, 1 if the list could not be read, 2 after wrong arguments or options.
 */
final class List {
    private static final String ROW = "  %-18s  %-18s  %-48s  %s%n";

    private List() {}

    public static void main(String[] args) {
        System.exit(run(System.getenv("WXLINK_ACCESS_TOKEN"), System.getenv("WXLINK_BASE_URL")));
    }

    private static int run(String token, String baseUrl) {
        if (token == null) {
            System.err.println("usage: WXLINK_ACCESS_TOKEN=... list");
            return 2;
        }
        Options options = new Options();
        try {
            if (baseUrl != null) {
                options.set("base_url", baseUrl);
            }
            try (Client client = new Client(options)) {
                print(client.getLinked(token).items());
                return 0;
            }
        } catch (WxException e) {
            System.err.println(e.getMessage());
            return e.status() == Status.BAD_OPTION ? 2 : 1;
        }
    }

    private static void print(java.util.List<MiniProgram> items) {
        System.out.printf(ROW, "APPID", "ORIGINAL ID", "STATUS", "NAME");
        for (MiniProgram item : items) {
            System.out.printf(
                    ROW,
                    orDash(item.appid()),
                    orDash(item.username()),
                    status(item),
                    orDash(item.nickname()));
        }
        if (items.isEmpty()) {
            System.out.println("  (none)");
        }
    }

    /** Every field may be missing. */
    private static String orDash(Optional<String> text) {
        return text.filter(t -> !t.isEmpty()).orElse("-");
    }

    private static String status(MiniProgram item) {
        if (!item.status().isPresent()) {
            return "-";
        }
        switch (item.linkStatus()) {
            case LINKED:
                return "linked";
            case AWAITING_MINI_PROGRAM:
                return "waiting for the mini program's administrator";
            case REFUSED:
                return "refused by the mini program's administrator";
            case AWAITING_OFFICIAL_ACCOUNT:
                return "waiting for the Official Account's administrator";
            default:
                return Long.toString(item.status().getAsLong());
        }
    }
}
