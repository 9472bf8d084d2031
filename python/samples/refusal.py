"""Links a mini program and decides by the class of the exception what to do after a refusal.

    WXLINK_ACCESS_TOKEN=... python refusal.py APPID

WXLINK_BASE_URL, if set, replaces WeChat's address, for example by the sandbox's.
Exits with 0 if the mini program is linked or pending, 1 if an action is required, 2 after invalid
arguments or options, 3 if another token is needed, 4 if the call may be repeated later, 5 if the
outcome is unknown.
"""

import os
import sys

import wxlink


def link(client: wxlink.Client, token: str, appid: str) -> tuple[int, str]:
    try:
        client.link_miniprogram(token, appid, notify_users=False, show_profile=True)
    except wxlink.PendingError as error:
        return 0, f"done: {error}"
    except wxlink.TokenError:
        return 3, "token: get another access token, then call again"
    except wxlink.BusyError:
        return 4, "busy: wait a little, then call again"
    except wxlink.QuotaError:
        return 4, "quota: call again when it is renewed"
    except wxlink.ActionRequiredError as error:
        return 1, f"action_required: {error}"
    except wxlink.InvalidRequestError as error:
        return 1, f"invalid_request: {error}"
    except wxlink.WxError as error:
        return 5, f"unknown: {error}"
    return 0, "done: the invitation is out"


def main(arguments: list[str]) -> int:
    token = os.environ.get("WXLINK_ACCESS_TOKEN")
    if token is None or len(arguments) != 1:
        print("usage: WXLINK_ACCESS_TOKEN=... refusal.py APPID", file=sys.stderr)
        return 2
    try:
        client = wxlink.Client(
            base_url=os.environ.get("WXLINK_BASE_URL", "https://api.weixin.qq.com")
        )
    except wxlink.ArgumentError as error:
        print(error, file=sys.stderr)
        return 2
    code, words = link(client, token, arguments[0])
    print(words)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
