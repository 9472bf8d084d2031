"""The demo of a third-party platform, which demo.py runs.

`wxlink serve` receives a ticket and three authorisations, `wxlink bulk` links mini programs to the
accounts, and one account withdraws. The simulator plays WeChat and all administrators; `Browser` is
that of a merchant.
"""

import contextlib
import http.cookiejar
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from pathlib import Path

from demo_steps import LANGUAGE, announce, expect, heading, text
from with_sandbox import ROOT, Sandbox

PLATFORM = "wx0c00000000000001"
TEA_HOUSE, BOOK_SHOP, FLORIST = ACCOUNTS = [f"wx0a0000000000000{n}" for n in (1, 2, 3)]
ORDERS, COUPONS = MINI_PROGRAMS = ["wx0b00000000000001", "wx0b00000000000002"]
# What the simulator generates as a secret contains one of these.
SECRETS = ["SANDBOX-", "@@@", "DEMO-APPSECRET"]
WORLD = {
    "accounts": {
        TEA_HOUSE: {"nickname": "示例茶馆"},
        BOOK_SHOP: {"nickname": "示例书店"},
        FLORIST: {"nickname": "示例花店"},
    },
    "miniprograms": {ORDERS: {"nickname": "示例点单"}, COUPONS: {"nickname": "示例优惠券"}},
    "component": {
        "appid": PLATFORM,
        "appsecret": "DEMO-APPSECRET",
        "ticket": "ticket@@@SANDBOX-0",
        "authorizers": {},
    },
}
TIMEOUT_SECONDS = 60


class Page(HTMLParser):
    """A page: its main heading, the target of its button, and its form with the initial values."""

    def __init__(self, url, html):
        super().__init__()
        self.url = url
        self.heading = ""
        self.button = None
        self.action = None
        self.fields = {}
        self._select = None
        self._in_heading = False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        if tag == "h1":
            self._in_heading = True
        elif tag == "a" and values.get("class") == "button":
            self.button = urllib.parse.urljoin(self.url, values["href"])
        elif tag == "form":
            self.action = urllib.parse.urljoin(self.url, values["action"])
        elif tag == "input" and "checked" in values:
            self.fields[values["name"]] = values["value"]
        elif tag == "select":
            self._select = values["name"]
        elif tag == "option" and self._select is not None:
            # The first option of a list is chosen.
            self.fields.setdefault(self._select, values["value"])

    def handle_endtag(self, tag):
        if tag == "h1":
            self._in_heading = False
        elif tag == "select":
            self._select = None

    def handle_data(self, data):
        if self._in_heading:
            self.heading += data


class Browser:
    """A browser with cookies that follows redirects and sends the origin of a page as Referer."""

    def __init__(self):
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # All pages are on this machine: a proxy in the environment does not apply.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)
        self._opener.addheaders = [("Accept-Language", LANGUAGE)]

    def open(self, url, previous=None, form=None):
        """Opens a page from the previous one, and returns it. `form`: the fields to post."""
        content = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, content)
        if previous is not None:
            parts = urllib.parse.urlsplit(previous.url)
            request.add_header("Referer", f"{parts.scheme}://{parts.netloc}/")
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return Page(response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Page(error.url, error.read().decode())


class Platform:
    """The programs of the platform, with their settings in a folder."""

    def __init__(self, folder, sandbox):
        self.folder = Path(folder)
        self.sandbox = sandbox
        libraries = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release")
        self.program = str(libraries / "wxlink")
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        variables = os.environ.items()
        self.environment = {k: v for k, v in variables if not k.startswith("WXLINK_")}
        self.environment["WXLINK_CONFIG"] = str(self.folder / "config.toml")

    def configure(self):
        """Writes the config file. Events are pushed to the service from now on."""
        push = {"url": f"{self.url}/push", "ticket_every_s": 0, "tries": 10}
        settings = self.sandbox.admin("PUT", "component/push", push)["settings"]
        options = {
            "base_url": self.sandbox.base_url,
            "component_appid": PLATFORM,
            "component_appsecret": WORLD["component"]["appsecret"],
            "push_token": settings["token"],
            "push_aes_key": settings["aes_key"],
            "store": f"file:{self.folder / 'store'}",
            "timeout_ms": 20_000,
            "lang": LANGUAGE,
        }
        SECRETS.extend([settings["token"], settings["aes_key"]])
        # A JSON text is a TOML text too.
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in options.items()]
        config = self.folder / "config.toml"
        config.touch(mode=0o600)
        config.write_text("".join(lines))

    @contextlib.contextmanager
    def serve(self):
        """Runs the service, and ends it with SIGTERM."""
        arguments = ["serve", "--listen", self.address, "--public-url", self.url]
        print(f"$ wxlink {' '.join(arguments)}", flush=True)
        with (self.folder / "serve.log").open("w") as log:
            service = subprocess.Popen(
                [self.program, *arguments],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        try:
            line = service.stdout.readline()
            print(line, end="", flush=True)
            expect(self.url in line, f"the service did not start: {self.log()}")
            yield
            service.send_signal(signal.SIGTERM)
            code = service.wait(TIMEOUT_SECONDS)
            expect(code == 0, f"the service ended with {code}")
        finally:
            service.kill()
            service.wait()
            service.stdout.close()
        check_no_secret(self.log())

    def log(self):
        return (self.folder / "serve.log").read_text()

    def run(self, *arguments, code=0):
        """Runs the command, prints its output, and returns it."""
        print(f"$ wxlink {' '.join(arguments)}", flush=True)
        done = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
        )
        print(done.stdout, end="", flush=True)
        check_no_secret(done.stdout)
        expect(done.returncode == code, f"the exit code is {done.returncode} and not {code}")
        return done.stdout

    def wait_for_pushes(self, after=0):
        """Waits until all pushes are answered. Prints those after a number of the journal."""
        ends = time.monotonic() + TIMEOUT_SECONDS
        while (journal := self.sandbox.admin("GET", f"pushes?after={after}"))["pending"]:
            expect(time.monotonic() < ends, "a push was not answered")
            time.sleep(0.02)
        for push in journal["pushes"]:
            what = " ".join(filter(None, [push["info_type"], push["account"]]))
            line = text(f"WeChat pushes {what}", f"微信推送 {what}")
            print(f"{line}: {push['result']}", flush=True)
        # On a busy machine an answer may be late: WeChat pushes again.
        results = {push["push"]: push["result"] for push in journal["pushes"]}
        expect(set(results.values()) == {"success"}, f"the pushes ended with {results}")
        return journal["pushes"][-1]["seq"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check_no_secret(text):
    for secret in SECRETS:
        expect(secret not in text, "a secret was printed")


def authorise(platform, account):
    """A merchant opens the platform's page, and approves on WeChat's."""
    browser = Browser()
    page = browser.open(f"{platform.url}/authorize?lang={LANGUAGE}")
    opens = text("opens", "打开")
    print(f"{account} {opens} {platform.url}/authorize: {page.heading}", flush=True)
    expect(page.button, "the page has no button")
    wechat = browser.open(page.button, page)
    leads = text("the button leads to WeChat", "点击按钮，前往微信")
    print(f"  {leads}: {wechat.heading}", flush=True)
    expect(wechat.action, "WeChat's page has no form")
    form = {**wechat.fields, "account": account, "decision": "approve"}
    result = browser.open(wechat.action, wechat, form)
    leads = text("WeChat leads back to the platform", "微信返回平台")
    print(f"  {leads}: {result.heading}", flush=True)
    came_back = result.url.startswith(f"{platform.url}/authorized?")
    authorised = result.heading == text("Authorised", "授权成功")
    expect(came_back and authorised, "the account is not authorised")


def decide(sandbox, account, appid, by, decision):
    body = {"account": account, "appid": appid, "by": by, "decision": decision}
    sandbox.admin("POST", "approvals", body)


def play(sandbox, platform):
    sandbox.admin("POST", "reset", WORLD)
    platform.configure()

    heading(
        "1. The platform starts its service. WeChat pushes a ticket to it.",
        "1. 平台启动服务，微信向它推送票据。",
    )
    with platform.serve():
        sandbox.admin("POST", "component/ticket")
        seen = platform.wait_for_pushes()
        output = platform.run("platform", "status")
        none = text("No account", "没有账号")
        expect(none in output, "an account has authorised the platform already")

        heading(
            "2. Three merchants authorise the platform, each in a browser.",
            "2. 三个商家各自在浏览器中授权给平台。",
        )
        for account in ACCOUNTS:
            authorise(platform, account)
            seen = platform.wait_for_pushes(seen)
        output = platform.run("platform", "status")
        expect(all(account in output for account in ACCOUNTS), "an account is missing")

        heading(
            "3. The platform links two mini programs to each account. No follower is messaged.",
            "3. 平台为每个账号关联两个小程序，不向粉丝发送消息。",
        )
        rows = [f"{account},{appid}" for account in ACCOUNTS for appid in MINI_PROGRAMS]
        lines = "\n".join(["account,appid", *rows]) + "\n"
        (platform.folder / "links.csv").write_text(lines)
        print(f"$ cat links.csv\n{lines}", end="", flush=True)
        flags = ["--notify-users", "no", "--show-profile", "yes"]
        # 3: administrators have to agree.
        platform.run("bulk", "links.csv", *flags, code=3)

        heading(
            "4. The administrators agree; that of one mini program refuses one account.",
            "4. 管理员同意；其中一个小程序的管理员拒绝了一个账号。",
        )
        for account in ACCOUNTS:
            for appid in MINI_PROGRAMS:
                is_refused = (account, appid) == (BOOK_SHOP, COUPONS)
                decide(sandbox, account, appid, "official_account", "agree")
                decision = "refuse" if is_refused else "agree"
                decide(sandbox, account, appid, "mini_program", decision)
        output = platform.run("list", "--account", TEA_HOUSE)
        linked = text("linked", "已关联")
        expect(output.count(linked) == 2, "the tea house's links are missing")
        output = platform.run("list", "--account", BOOK_SHOP)
        refused = text("refused", "已拒绝")
        expect(refused in output, "the refusal is not in the list")

        heading(
            "5. The florist withdraws its authorisation on WeChat's page.",
            "5. 花店在微信的页面上取消授权。",
        )
        sandbox.admin("DELETE", f"authorizers/{FLORIST}")
        platform.wait_for_pushes(seen)
        platform.run("list", "--account", FLORIST, code=4)
        output = platform.run("platform", "status")
        expect(FLORIST not in output and TEA_HOUSE in output, "the wrong accounts are left")

        heading(
            "6. The service ends. Its log contains no secrets:",
            "6. 服务结束。它的日志中没有机密：",
        )
    print(platform.log(), end="", flush=True)
    print()


def main():
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as folder:
        announce(sandbox)
        play(sandbox, Platform(folder, sandbox))
