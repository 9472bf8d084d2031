"""Makes the calls that the harness asks for on standard input, one by one: see c/driver.c.

calls.py wxlink|requests URL
"""

import sys
import time

FILL = "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TOKENS = {"link": "A" + FILL + FILL, "list50": "A" + FILL + FILL, "list500": "B" + FILL + FILL}
ITEMS = {"list50": 50, "list500": 500}
APPID = "wx0b00000000000001"


def ours(url):
    import wxlink

    client = wxlink.Client(base_url=url)

    def call(kind):
        if kind == "link":
            client.link_miniprogram(TOKENS[kind], APPID, notify_users=False, show_profile=True)
        else:
            read = [(item.appid, item.status) for item in client.get_linked(TOKENS[kind])]
            assert len(read) == ITEMS[kind]

    return call


def theirs(url):
    import requests

    session = requests.Session()

    def post(path, token, body):
        answer = session.post(
            f"{url}/cgi-bin/wxopen/{path}", params={"access_token": token}, json=body, timeout=10
        ).json()
        assert answer["errcode"] == 0
        return answer

    def call(kind):
        if kind == "link":
            post("wxamplink", TOKENS[kind], {"appid": APPID, "notify_users": 0, "show_profile": 1})
        else:
            items = post("wxamplinkget", TOKENS[kind], {})["wxopens"]["items"]
            read = [(item.get("appid"), item.get("status")) for item in items]
            assert len(read) == ITEMS[kind]

    return call


call = {"wxlink": ours, "requests": theirs}[sys.argv[1]](sys.argv[2])
for line in sys.stdin:
    kind, count = line.split()
    start = time.perf_counter_ns()
    for _ in range(int(count)):
        call(kind)
    print((time.perf_counter_ns() - start) // int(count), flush=True)
