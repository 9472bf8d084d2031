#!/usr/bin/env python3
"""Runs SDKs of other projects, unmodified, against the simulator and against wxlink.

    run.py [SDK...]             the whole way of a platform, with each SDK
    run.py --faults [SDK...]    what each SDK and wxlink do when a link meets a fault

SDK is one of wechatpy, silenceper, easywechat, wxjava; for --faults also wxlink. The default is all.
README.md describes the parts. Prints a table, and exits with 1 if a step failed. The packages are
installed in target/interop. WXLINK_LIB_DIR is the folder of wxlink and wxlink-sandbox:
target/release if unset.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import string
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "target/interop"
sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox, SandboxError  # noqa: E402

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


def install(command, **arguments):
    """Runs a package manager. Its output is shown only if it fails."""
    done = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **arguments
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise StepError(f"{command[0]} failed with {done.returncode}")


class Wechatpy:
    name = "wechatpy"
    pin = ("wechatpy/requirements.txt", r"wechatpy==(\S+)")
    tools = ("python3",)

    def install(self):
        folder = WORK / "wechatpy"
        install([sys.executable, "-m", "venv", str(folder)])
        requirements = str(HERE / "wechatpy/requirements.txt")
        install([str(folder / "bin/pip"), "install", "--quiet", "--requirement", requirements])

    def command(self, _sandbox, _scratch):
        return [str(WORK / "wechatpy/bin/python"), str(HERE / "wechatpy/driver.py")]

    def environment(self, sandbox):
        return {"HTTPS_PROXY": sandbox.base_url, "REQUESTS_CA_BUNDLE": sandbox.ca_file}


class Silenceper:
    name = "silenceper"
    pin = ("silenceper/go.mod", r"wechat/v2 v(\S+)")
    tools = ("go",)

    def install(self):
        output = str(WORK / "silenceper")
        install(["go", "build", "-mod=readonly", "-o", output, "."], cwd=HERE / "silenceper")

    def command(self, _sandbox, _scratch):
        return [str(WORK / "silenceper")]

    def environment(self, sandbox):
        return {"HTTPS_PROXY": sandbox.base_url, "SSL_CERT_FILE": sandbox.ca_file}


class Easywechat:
    name = "easywechat"
    pin = ("easywechat/package.json", r'"node-easywechat": "(\S+)"')
    tools = ("node", "npm")

    def install(self):
        folder = WORK / "easywechat"
        folder.mkdir(exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "easywechat" / name, folder)
        install(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)

    def command(self, _sandbox, _scratch):
        return ["node", str(HERE / "easywechat/driver.js")]

    def environment(self, sandbox):
        return {
            "HTTPS_PROXY": sandbox.base_url,
            "NODE_EXTRA_CA_CERTS": sandbox.ca_file,
            "NODE_PATH": str(WORK / "easywechat/node_modules"),
        }


class WxJava:
    name = "wxjava"
    pin = ("wxjava/pom.xml", r"(?s)weixin-java-open</artifactId>\s*<version>([^<]+)")
    tools = ("javac", "java", "keytool", "mvn")

    def install(self):
        folder = WORK / "wxjava"
        libraries = f"-DoutputDirectory={folder}/lib"
        pom = str(HERE / "wxjava/pom.xml")
        install(["mvn", "-B", "-q", "-f", pom, "dependency:copy-dependencies", libraries])
        source = str(HERE / "wxjava/Driver.java")
        install(["javac", "-cp", f"{folder}/lib/*", "-d", str(folder), source])

    def command(self, sandbox, scratch):
        folder = WORK / "wxjava"
        trusted = f"{scratch}/trusted.p12"
        keys = ["-keystore", trusted, "-storetype", "PKCS12", "-storepass", "public"]
        install(["keytool", "-importcert", "-noprompt", "-file", sandbox.ca_file, *keys])
        return [
            "java",
            f"-Djavax.net.ssl.trustStore={trusted}",
            "-Djavax.net.ssl.trustStorePassword=public",
            "-cp",
            f"{folder}:{folder}/lib/*",
            "Driver",
        ]

    def environment(self, sandbox):
        return {"HTTPS_PROXY": sandbox.base_url}


SDKS = [Wechatpy(), Silenceper(), Easywechat(), WxJava()]


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
        # Settings of the user do not apply.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WXLINK_")}
        self.environment = {**kept, "XDG_CONFIG_HOME": self._folder.name, **settings}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()

    def run(self, *arguments, stdin=""):
        """Runs the command and returns its output. A failure is a StepError."""
        done = subprocess.run(
            [str(self.program), "--json", *arguments],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment,
            timeout=STEP_TIMEOUT_SECONDS,
        )
        if done.returncode != 0:
            raise StepError(f"wxlink {arguments[0]}: {done.returncode}: {done.stdout}")
        return done.stdout

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


class Rig:
    """A simulator and a driver of one SDK, led to each other. Use it in a `with` statement."""

    def __init__(self, sdk):
        self.sdk = sdk
        self._cleanup = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:
            names = ["api.weixin.qq.com", "mp.weixin.qq.com"]
            self.sandbox = cleanup.enter_context(
                Sandbox(*(word for name in names for word in ("--tls-name", name)))
            )
            self.admin("PUT", f"accounts/{ACCOUNT}", {"nickname": "interop"})
            self.push_token = secrets.token_hex(16)
            letters = string.ascii_letters + string.digits
            self.aes_key = "".join(secrets.choice(letters) for _ in range(43))
            scratch = cleanup.enter_context(tempfile.TemporaryDirectory())
            self._log = cleanup.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
            self._process = subprocess.Popen(
                self.sdk.command(self.sandbox, scratch),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env={
                    **os.environ,
                    **self.sdk.environment(self.sandbox),
                    "NO_PROXY": "",
                    "INTEROP_FOLDER": scratch,
                    "INTEROP_APPID": PLATFORM,
                    "INTEROP_APPSECRET": APPSECRET,
                    "INTEROP_TOKEN": self.push_token,
                    "INTEROP_AES_KEY": self.aes_key,
                },
            )
            cleanup.callback(self._stop)
            # A driver prints its port when it is ready, and then nothing on stdout but logs.
            port = self._process.stdout.readline().strip()
            if not port.isdigit():
                raise StepError(f"the driver did not start:\n{self.log()}")
            self.url = f"http://127.0.0.1:{port}"
            self._output = []
            reader = threading.Thread(target=self._read, daemon=True)
            reader.start()
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def _read(self):
        for line in self._process.stdout:
            self._output.append(line)

    def _stop(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def log(self):
        """What the driver has printed."""
        self._log.seek(0)
        return self._log.read() + "".join(getattr(self, "_output", ()))

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

    def wait_for_pushes(self, info_type):
        """Waits until no push is on its way. The latest of this type must have been accepted."""
        deadline = time.monotonic() + STEP_TIMEOUT_SECONDS
        while (journal := self.admin("GET", "pushes"))["pending"]:
            if time.monotonic() > deadline:
                raise StepError(f"{info_type}: the push was not answered")
            time.sleep(0.02)
        results = [p["result"] for p in journal["pushes"] if p["info_type"] == info_type]
        expect(f"pushes of {info_type}", set(results), {"success"})

    # The steps of the way. Each checks at the simulator that it had its effect.

    def receive_ticket(self):
        push = {"url": self.url + "/push", "token": self.push_token, "aes_key": self.aes_key}
        self.admin("PUT", "component/push", push)
        self.wait_for_pushes("component_verify_ticket")

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

    def push_to_wxlink(self):
        """`wxlink serve` accepts a push that the SDK has encrypted, and not an altered one."""
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
        # The only ticket that the simulator takes is the one that the SDK encrypts.
        self.admin("DELETE", "component/push")
        self.admin("POST", "component/ticket", {"ticket": ticket})
        settings = {"WXLINK_PUSH_TOKEN": self.push_token, "WXLINK_PUSH_AES_KEY": self.aes_key}
        with Wxlink(self.sandbox, settings) as wxlink, wxlink.serve() as url:
            url = f"{url}/push?"
            expect("the altered push", post(url + encode(altered), body, XML)[0], 403)
            expect("the push", post(url + encode(query), body, XML), (200, "success"))
            before = self.admin("GET", "refreshes")["component"]
            wxlink.run("platform", "status")
            expect("platform tokens", self.admin("GET", "refreshes")["component"], before + 1)


def expect(what, found, expected):
    if found != expected:
        raise StepError(f"{what}: expected {expected!r}, found {found!r}")


STEPS = {
    "receives the ticket": Rig.receive_ticket,
    "platform token": Rig.get_platform_token,
    "pre-auth code, authorisation, its push": Rig.authorize,
    "query_auth": Rig.query_auth,
    "refresh": Rig.refresh,
    "link": Rig.link,
    "both administrators agree": Rig.agree,
    "list": Rig.list_links,
    "unlink": Rig.unlink,
    "wxlink accepts its push": Rig.push_to_wxlink,
}


def version(sdk):
    """The version of the SDK, which is written in the file that pins it."""
    name, pattern = sdk.pin
    return re.search(pattern, (HERE / name).read_text())[1]


def missing_tool(sdk):
    return next((tool for tool in sdk.tools if not shutil.which(tool)), None)


def skip(sdk, tool):
    """Reports that an SDK is skipped. Returns whether that is a failure: see tools/need.sh."""
    command = [ROOT / "tools/need.sh", "--skip", f"interop {sdk.name}", f"{tool} is not installed"]
    return subprocess.run(command).returncode != 77


def try_way(sdk):
    """Takes the steps in turn and returns the result of each: no step follows a failed one."""
    results = dict.fromkeys(STEPS, "not tried")
    step = "start"
    try:
        with Rig(sdk) as rig:
            for step, take in STEPS.items():
                try:
                    take(rig)
                except (StepError, SandboxError):
                    results[step] = "FAILED"
                    sys.stderr.write(rig.log())
                    raise
                results[step] = "ok"
    except (StepError, SandboxError) as error:
        print(f"{sdk.name}: {step}: {error}", file=sys.stderr)
    return results


def print_table(head, rows):
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def run_way(sdks):
    results = {sdk.name: try_way(sdk) for sdk in sdks}
    rows = ([step, *(results[sdk.name][step] for sdk in sdks)] for step in STEPS)
    print_table(["", *(f"{sdk.name} {version(sdk)}" for sdk in sdks)], rows)
    return all(result == "ok" for steps in results.values() for result in steps.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sdk", nargs="*", help=", ".join(sdk.name for sdk in SDKS))
    arguments = parser.parse_args()
    unknown = set(arguments.sdk) - {sdk.name for sdk in SDKS}
    if unknown:
        parser.error(f"unknown SDK: {', '.join(sorted(unknown))}")
    WORK.mkdir(parents=True, exist_ok=True)
    failed = False
    ready = []
    for sdk in SDKS:
        if arguments.sdk and sdk.name not in arguments.sdk:
            continue
        if tool := missing_tool(sdk):
            failed |= skip(sdk, tool)
            continue
        try:
            sdk.install()
            ready.append(sdk)
        except StepError as error:
            print(f"{sdk.name}: could not be installed: {error}", file=sys.stderr)
            failed = True
    if ready:
        failed |= not run_way(ready)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
