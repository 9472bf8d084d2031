"""Links one mini program to an Official Account.

    WXLINK_ACCESS_TOKEN=... python link.py APPID NOTIFY_USERS SHOW_PROFILE

WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
Exits with 0 if the mini program is linked or on its way, 1 if not, 2 after wrong arguments or
options.
"""

import os
import sys

import wxlink


def main(arguments: list[str]) -> int:
    match os.environ.get("WXLINK_ACCESS_TOKEN"), arguments:
        case str(token), [appid, ("0" | "1") as notify_users, ("0" | "1") as show_profile]:
            pass
        case _:
            print(
                "usage: WXLINK_ACCESS_TOKEN=... link.py APPID NOTIFY_USERS(0|1) SHOW_PROFILE(0|1)",
                file=sys.stderr,
            )
            return 2
    try:
        client = wxlink.Client(
            base_url=os.environ.get("WXLINK_BASE_URL", "https://api.weixin.qq.com")
        )
    except wxlink.ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        client.link_miniprogram(
            token,
            appid,
            notify_users=notify_users == "1",
            show_profile=show_profile == "1",
        )
    except wxlink.PendingError as error:
        print(error)
    except wxlink.WxError as error:
        print(error, file=sys.stderr)
        return 1
    else:
        print("The invitation is out.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
