"""Asks to unlink a mini program from an Official Account.

    WXLINK_ACCESS_TOKEN=... python unlink.py APPID

WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
Exits with 0 if the administrator has been asked, 1 if not, 2 after wrong arguments or options.
"""

import os
import sys

import wxlink


def main(arguments: list[str]) -> int:
    token = os.environ.get("WXLINK_ACCESS_TOKEN")
    if token is None or len(arguments) != 1:
        print("usage: WXLINK_ACCESS_TOKEN=... unlink.py APPID", file=sys.stderr)
        return 2
    try:
        client = wxlink.Client(
            base_url=os.environ.get("WXLINK_BASE_URL", "https://api.weixin.qq.com")
        )
    except wxlink.ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        client.unlink_miniprogram(token, arguments[0])
    except wxlink.PendingError as error:
        print(error)
    except wxlink.WxError as error:
        print(error, file=sys.stderr)
        return 1
    else:
        print("The Official Account's administrator has been asked.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
