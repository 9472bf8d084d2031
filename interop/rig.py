"""A simulator with a driver of one SDK, or with the command of wxlink, led to each other."""

import contextlib
import json
import os
import re
import secrets
import string
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from dataclasses import dataclass
from pathlib import Path

import library
from sdks import ROOT, InstallError

sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox, SandboxError

PLATFORM = "wx0c00000000000001"
APPSECRET = "SANDBOX-COMPONENT-SECRET"
# An account that the simulator does not know yet: nothing is authorised before the SDK asks for it.
ACCOUNT = "wx0a00000000000009"
MINI_PROGRAM = "wx0b00000000000001"
# How long a step may take on a busy machine.
STEP_TIMEOUT_SECONDS = 60
XML = "text/xml"
encode = urllib.parse.urlencode


class StepError(Exception):
    """A step had another result than it must have."""


# What a step may raise.
FAILURES = (StepError, SandboxError, InstallError, library.LibraryError)


def post(url, body, content_type="application/json", timeout=STEP_TIMEOUT_SECONDS):
    """Sends a POST to a program of this machine and returns the status and the body."""
    message = urllib.request.Request(url, body.encode(), {"Content-Type": content_type})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=timeout) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@dataclass
class Attempt:
    """What the caller of one call gets: `done`, `error` or `no answer`, and the text of it."""

    result: str
    text: str = ""


def expect(what, found, expected):
    if found != expected:
        raise StepError(f"{what}: expected {expected!r}, found {found!r}")


def neutral():
    """The environment without the user's proxies and settings of wxlink."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("WXLINK_") and not key.lower().endswith("_proxy")
    }


class Wxlink:
    """The command of wxlink, with a store of its own. Use it in a `with` statement."""

    def __init__(self, sandbox, settings=None):
        self.program = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release") / "wxlink"
        self._folder = tempfile.TemporaryDirectory()
        settings = {
            "WXLINK_BASE_URL": sandbox.https_url,
            "WXLINK_CA_FILE": sandbox.ca_file,
            "WXLINK_COMPONENT_APPID": PLATFORM,
            "WXLINK_COMPONENT_APPSECRET": APPSECRET,
            "WXLINK_STORE": f"file:{self._folder.name}/store",
            "WXLINK_ACCOUNT": ACCOUNT,
            **(settings or {}),
        }
        self.environment = {**neutral(), "XDG_CONFIG_HOME": self._folder.name, **settings}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def run(self, *arguments, stdin=""):
        """Runs the command and returns its output. A failure is a StepError."""
        try:
            done = self.start(*arguments, stdin=stdin)
        except subprocess.TimeoutExpired:
            raise StepError(f"wxlink {arguments[0]} did not end") from None
        if done.returncode != 0:
            raise StepError(f"wxlink {arguments[0]}: {done.returncode}: {done.stdout}")
        return done.stdout

    def start(self, *arguments, stdin="", limit_seconds=STEP_TIMEOUT_SECONDS):
        """Runs the command to its end, whatever its exit code is."""
        return subprocess.run(
            [str(self.program), "--json", *arguments],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            timeout=limit_seconds,
        )

    @contextlib.contextmanager
    def serve(self):
        """Runs `wxlink serve` and gives its address."""
        arguments = ["--listen", "127.0.0.1:0", "--public-url", "https://link.example.com"]
        service = subprocess.Popen(
            [str(self.program), "--json", "serve", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=self.environment,
        )
        try:
            line = service.stdout.readline()
            if not line:
                raise StepError("wxlink serve did not start")
            yield json.loads(line)["listen"]
        finally:
            service.terminate()
            service.wait()
            service.stdout.close()


class Driver:
    """A driver of one SDK, for a platform with these settings. Use it in a `with` statement."""

    def __init__(self, sdk, sandbox, appid, push_token, aes_key):
        self._sdk = sdk
        self._sandbox = sandbox
        self._settings = {
            "INTEROP_APPID": appid,
            "INTEROP_APPSECRET": APPSECRET,
            "INTEROP_TOKEN": push_token,
            "INTEROP_AES_KEY": aes_key,
        }
        self._cleanup = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:
            scratch = cleanup.enter_context(tempfile.TemporaryDirectory())
            # Both outputs of the driver: what it has written is complete when it answers.
            self._log = Path(scratch) / "log"
            log = cleanup.enter_context(self._log.open("w"))
            self._process = subprocess.Popen(
                self._sdk.command(self._sandbox, scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={
                    **neutral(),
                    **self._sdk.environment(self._sandbox, scratch),
                    **self._settings,
                    "INTEROP_FOLDER": scratch,
                },
            )
            cleanup.callback(self._stop)
            self.url = f"http://127.0.0.1:{self._port()}"
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def has_ended(self):
        return self._process.poll() is not None

    def _port(self):
        """Waits until the driver is ready and prints its port."""
        deadline = time.monotonic() + STEP_TIMEOUT_SECONDS
        while not (ports := re.findall(r"^(\d+)$", self.log(), re.MULTILINE)):
            if self.has_ended() or time.monotonic() > deadline:
                raise StepError(f"the driver did not start:\n{self.log()}")
            time.sleep(0.02)
        return ports[0]

    def _stop(self):
        self._process.kill()
        self._process.wait()

    def log(self):
        """What the driver has printed."""
        return self._log.read_text(errors="replace")

    def push(self, query, body):
        """Sends a push to the SDK, and returns the status and the answer."""
        return post(f"{self.url}/push?{query}", body, XML)


class Rig:
    """A simulator and a driver of one SDK, led to each other. Use it in a `with` statement."""

    def __init__(self, sdk):
        self.sdk = sdk
        self._cleanup = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:
            names = ["api.weixin.qq.com", "mp.weixin.qq.com"]
            names = (word for name in names for word in ("--tls-name", name))
            self.sandbox = cleanup.enter_context(Sandbox(*names, *self.sdk.sandbox_options))
            self.admin("PUT", f"accounts/{ACCOUNT}", {"nickname": "interop"})
            self.push_token = secrets.token_hex(16)
            letters = string.ascii_letters + string.digits
            self.aes_key = "".join(secrets.choice(letters) for _ in range(43))
            driver = Driver(self.sdk, self.sandbox, PLATFORM, self.push_token, self.aes_key)
            self.driver = cleanup.enter_context(driver)
            self.url = self.driver.url
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def log(self):
        return self.driver.log()

    def admin(self, method, path, body=None):
        return self.sandbox.admin(method, path, body)

    def call(self, command, timeout=STEP_TIMEOUT_SECONDS, **arguments):
        """Has the driver carry out a command and returns its answer. Failures are StepErrors."""
        try:
            status, body = post(f"{self.url}/{command}", json.dumps(arguments), timeout=timeout)
        except OSError as error:
            raise StepError(f"{command}: no answer of the driver: {error}") from None
        if status != 200:
            raise StepError(f"{command}: {body}")
        return json.loads(body)

    def prepare(self):
        """Takes the steps until links can be made."""
        self.receive_ticket()
        self.get_platform_token()
        self.authorize()
        self.query_auth()
        self.refresh()

    def attempt_link(self, limit_seconds):
        """Has the SDK link the mini program once, and returns the result for its caller."""
        try:
            body = json.dumps({"appid": MINI_PROGRAM})
            status, answer = post(f"{self.url}/link", body, timeout=limit_seconds)
        except OSError:
            if self.driver.has_ended():
                raise StepError(f"the driver ended:\n{self.log()}") from None
            return Attempt("no answer")
        return Attempt("done" if status == 200 else "error", answer)

    def answered_pushes(self):
        """The journal of pushes, once no push is on its way."""
        deadline = time.monotonic() + STEP_TIMEOUT_SECONDS
        while (journal := self.admin("GET", "pushes"))["pending"]:
            if time.monotonic() > deadline:
                raise StepError("a push was not answered")
            time.sleep(0.02)
        return journal["pushes"]

    def wait_for_pushes(self, info_type):
        """Waits until no push is on its way. All of this type must have been accepted."""
        pushes = self.answered_pushes()
        results = {push["result"] for push in pushes if push["info_type"] == info_type}
        expect(f"pushes of {info_type}", results, {"success"})

    # The steps of the way. Each checks at the simulator that it had its effect.

    def receive_ticket(self):
        push = {
            "url": self.url + "/push",
            "token": self.push_token,
            "aes_key": self.aes_key,
            # Longer than WeChat waits: the first push starts half of the SDK.
            "timeout_ms": 30_000,
        }
        self.admin("PUT", "component/push", push)
        self.wait_for_pushes("component_verify_ticket")

    def refuse_forged_push(self):
        self.admin("POST", "faults", {"fault": {"push": "wrong_signature"}})
        self.admin("POST", "component/ticket")
        results = {push["result"] for push in self.answered_pushes() if push["fault"]}
        expect("forged pushes", results, {"wrong_answer"})
        self.admin("DELETE", "pushes")

    def get_platform_token(self):
        self.call("platform_token")
        expect("platform tokens", self.admin("GET", "refreshes")["component"], 1)

    def authorize(self):
        code = self.call("pre_auth_code")["code"]
        body = {"account": ACCOUNT, "pre_auth_code": code, "redirect_uri": "http://localhost/"}
        self.admin("POST", "authorizations", body)
        self.wait_for_pushes("authorized")

    def query_auth(self):
        expect("the account", self.call("query_auth")["account"], ACCOUNT)
        expect("exchanged codes", self.counts()["query_auth"], 1)

    def refresh(self):
        before = self.admin("GET", "refreshes")["accounts"][ACCOUNT]
        self.call("refresh")
        expect("tokens", self.admin("GET", "refreshes")["accounts"][ACCOUNT], before + 1)

    def link(self):
        self.call("link", appid=MINI_PROGRAM)
        expect("posts", self.counts()["link"], 1)
        self.expect_links([(MINI_PROGRAM, 12)])

    def agree(self):
        self.decide("official_account")
        self.expect_links([(MINI_PROGRAM, 2)])
        self.decide("mini_program")

    def list_links(self):
        self.expect_links([(MINI_PROGRAM, 1)])

    def unlink(self):
        self.call("unlink", appid=MINI_PROGRAM)
        self.expect_links([(MINI_PROGRAM, 1)])
        self.decide("official_account")
        self.expect_links([])

    def decide(self, by):
        body = {"account": ACCOUNT, "appid": MINI_PROGRAM, "by": by, "decision": "agree"}
        self.admin("POST", "approvals", body)

    def expect_links(self, links):
        listed = [(item["appid"], item["status"]) for item in self.call("list")["links"]]
        expect("the list", listed, links)

    def counts(self):
        return self.admin("GET", "journal/counts")["received"]

    def read_published_pushes(self):
        """The SDK decides about pushes that are published as wx_client_accept_push does."""
        vectors = json.loads((ROOT / "tests/vectors/pushes.json").read_text())["vectors"]
        named = {vector["name"]: vector for vector in vectors}
        for name in ("a ticket of 2015", "another token"):
            vector = named[name]
            options = vector["options"]
            appid, token = options["component_appid"], options["push_token"]
            expected = vector["expect"]["status"]
            with library.Client({**options, "component_appsecret": APPSECRET}) as client:
                status, _ = client.accept_push(vector["query"], vector["body"])
            statuses = {"OK": library.OK, "BAD_PUSH": library.BAD_PUSH}
            expect(f"wxlink: {name}", status, statuses[expected])
            with Driver(self.sdk, self.sandbox, appid, token, options["push_aes_key"]) as driver:
                status, answer = driver.push(vector["query"], vector["body"])
            accepted = (status, answer) == (200, "success")
            expect(f"{self.sdk.name}: {name}", accepted, expected == "OK")

    def push_to_library(self):
        """wx_client_accept_push accepts a push that the SDK has encrypted, not an altered one."""
        query, altered, body, _ = self.encrypted_ticket()
        options = {
            "component_appid": PLATFORM,
            "component_appsecret": APPSECRET,
            "push_token": self.push_token,
            "push_aes_key": self.aes_key,
            "base_url": self.sandbox.https_url,
            "ca_file": self.sandbox.ca_file,
        }
        with library.Client(options) as client:
            expect("the altered push", client.accept_push(altered, body)[0], library.BAD_PUSH)
            status, accepted = client.accept_push(query, body)
            expect("the push", status, library.OK)
            expect("the event", accepted["event"], "component_verify_ticket")
            expect("what was done", accepted["action"], "ticket_stored")
            _, again = client.accept_push(query, body)
            expect("what was done again", again["action"], "repeated")

    def encrypted_ticket(self):
        """A ticket that the SDK has encrypted: the query, an altered one, the body, the ticket."""
        ticket = "ticket@@@INTEROP-" + secrets.token_hex(32)
        message = (
            f"<xml><AppId><![CDATA[{PLATFORM}]]></AppId><CreateTime>{int(time.time())}</CreateTime>"
            "<InfoType><![CDATA[component_verify_ticket]]></InfoType>"
            f"<ComponentVerifyTicket><![CDATA[{ticket}]]></ComponentVerifyTicket></xml>"
        )
        document = self.call("encrypt", message=message)["document"]
        reply = {item.tag: item.text for item in xml.etree.ElementTree.fromstring(document)}
        query = {
            "timestamp": reply["TimeStamp"],
            "nonce": reply["Nonce"],
            "encrypt_type": "aes",
            "msg_signature": reply["MsgSignature"],
        }
        body = f"<xml><Encrypt><![CDATA[{reply['Encrypt']}]]></Encrypt></xml>"
        altered = {**query, "nonce": query["nonce"] + "0"}
        return encode(query), encode(altered), body, ticket

    def push_to_service(self):
        """`wxlink serve` accepts a push that the SDK has encrypted, and not an altered one."""
        query, altered, body, ticket = self.encrypted_ticket()
        # The only ticket that the simulator takes is the one that the SDK encrypts.
        self.admin("DELETE", "component/push")
        self.admin("POST", "component/ticket", {"ticket": ticket})
        settings = {"WXLINK_PUSH_TOKEN": self.push_token, "WXLINK_PUSH_AES_KEY": self.aes_key}
        with Wxlink(self.sandbox, settings) as wxlink, wxlink.serve() as url:
            url = f"{url}/push?"
            before = self.admin("GET", "refreshes")["component"]
            expect("the altered push", post(url + altered, body, XML)[0], 403)
            expect("the push", post(url + query, body, XML), (200, "success"))
            wxlink.run("platform", "status")
            expect("platform tokens", self.admin("GET", "refreshes")["component"], before + 1)


class WxlinkRig:
    """A simulator and the command of wxlink, as Rig. The verb is `link` or `ensure`."""

    def __init__(self, verb):
        self.verb = verb
        self._output = ""
        self._cleanup = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:
            self.sandbox = cleanup.enter_context(Sandbox())
            self.wxlink = cleanup.enter_context(Wxlink(self.sandbox))
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def admin(self, method, path, body=None):
        return self.sandbox.admin(method, path, body)

    def counts(self):
        return self.admin("GET", "journal/counts")["received"]

    def log(self):
        """What the command has printed."""
        return self._output

    def prepare(self):
        self.admin("PUT", f"accounts/{ACCOUNT}", {"nickname": "interop"})
        authorizer = self.admin("PUT", f"authorizers/{ACCOUNT}", {"permission": True})
        self.wxlink.run("platform", "set-ticket", stdin="SANDBOX-TICKET")
        refresh_token = authorizer["refresh_token"]
        self.wxlink.run("platform", "add-account", ACCOUNT, stdin=refresh_token)
        # As the SDKs, it starts with a token.
        self.wxlink.run("list")

    def attempt_link(self, limit_seconds):
        flags = ["--notify-users", "no", "--show-profile", "no"]
        try:
            done = self.wxlink.start(self.verb, *flags, MINI_PROGRAM, limit_seconds=limit_seconds)
        except subprocess.TimeoutExpired:
            return Attempt("no answer")
        self._output += done.stdout
        # 3 is that an administrator has to agree.
        return Attempt("done" if done.returncode in (0, 3) else "error", done.stdout)
