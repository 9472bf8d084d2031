"""Lists the mini programs linked to an Official Account, and those on their way.

    WXLINK_ACCESS_TOKEN=... python list.py

WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
Exits with 0, 1 if the list could not be read, 2 after wrong arguments or options.
"""

import os
import sys

import wxlink

STATUS = {
    wxlink.LinkStatus.LINKED: "linked",
    wxlink.LinkStatus.AWAITING_MINI_PROGRAM: "waiting for the mini program's administrator",
    wxlink.LinkStatus.REFUSED: "refused by the mini program's administrator",
    wxlink.LinkStatus.AWAITING_OFFICIAL_ACCOUNT: "waiting for the Official Account's administrator",
}


def row(appid: str | None, username: str | None, status: str | None, nickname: str | None) -> str:
    return f"  {appid or '-':<18}  {username or '-':<18}  {status or '-':<48}  {nickname or '-'}"


def status_text(status: int | None) -> str | None:
    if status in STATUS:
        return STATUS[wxlink.LinkStatus(status)]
    return None if status is None else str(status)


def main() -> int:
    token = os.environ.get("WXLINK_ACCESS_TOKEN")
    if token is None:
        print("usage: WXLINK_ACCESS_TOKEN=... list.py", file=sys.stderr)
        return 2
    try:
        client = wxlink.Client(
            base_url=os.environ.get("WXLINK_BASE_URL", "https://api.weixin.qq.com")
        )
    except wxlink.ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        items = client.get_linked(token)
    except wxlink.WxError as error:
        print(error, file=sys.stderr)
        return 1
    print(row("APPID", "ORIGINAL ID", "STATUS", "NAME"))
    for item in items:
        print(row(item.appid, item.username, status_text(item.status), item.nickname))
    if not items:
        print("  (none)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
