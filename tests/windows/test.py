#!/usr/bin/env python3
"""Tests the libraries for Windows under Wine: the archives of `make dist ONLY=windows`.

    tests/windows/test.py [ARCHITECTURE...]    i686 x86_64 if none is named

WINE is the command that runs programs for Windows (wine if unset), WXLINK_LIB_DIR the folder of
wxlink-sandbox. Programs are compiled with MinGW-w64 from the unpacked archives alone, and run
against the simulator, which runs on Linux. Programs in C# run with .NET for Windows, which is
downloaded from PyPI. The last tests are those of tests/conformance.rs and tests/fault_matrix.rs.
Exits with 77 if the tests are skipped (tools/need.sh).
"""

# ruff: noqa: PT009 - the tests need no pytest; these methods show the values that differ.

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
import unittest
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from with_sandbox import Sandbox  # noqa: E402

WORK = ROOT / "target/windows"
WINE = os.environ.get("WINE") or "wine"
VERSION = re.search(r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
ARCHITECTURES = ["i686", "x86_64"]
# The other compilers' names of the architectures.
LLVM_TARGETS = {"i686": "i686-pc-windows-msvc", "x86_64": "x86_64-pc-windows-msvc"}
# Not the variables that name certificates of this system.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("SSL_CERT_")} | {
    "WINEPREFIX": str(WORK / "wine"),
    "WINEDEBUG": "-all",
    # No dialogs that offer to install Mono and Gecko.
    "WINEDLLOVERRIDES": "mscoree,mshtml=",
    # Names of files may contain Chinese characters.
    "LC_ALL": "C.UTF-8",
}
TIMEOUT_SECONDS = 300

TOKEN = "SANDBOX-TOKEN"
ACCOUNT = "wx0a00000000000001"
APPID = "wx0b00000000000001"
STATUS = {"OK": 0, "NULL_POINTER": -1, "NOT_UTF8": -2, "BAD_VALUE": -3, "BAD_OPTION": -4,
          "BUFFER": -5, "TLS": -22, "STORE": -26, "BAD_ANSWER": -60, "PENDING": -80}  # fmt: skip
SAMPLES = ["link", "list", "refusal", "unlink", "exec", "conform"]


def skip(reason):
    """Reports that the tests are skipped, and ends this program."""
    command = [ROOT / "tools/need.sh", "--skip", "the library for Windows", reason]
    sys.exit(subprocess.run(command).returncode)


def run(*command, variables=None, timeout=TIMEOUT_SECONDS, **more):
    """Runs a command and returns its output. Raises an exception with the output if it fails."""
    done = subprocess.run(
        [str(c) for c in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT | (variables or {}),
        timeout=timeout,
        **more,
    )
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
    return done.stdout


def windows_path(path):
    """The name of one of our files under Wine, where Z: is the root folder."""
    return f"Z:{path}"


class Built:
    """The programs of an architecture, compiled from what the archive contains."""

    def __init__(self, arch):
        self.arch = arch
        name = f"wxlink-{VERSION}-{arch}-windows-gnu"
        self.folder = WORK / arch
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        with tarfile.open(ROOT / f"target/dist/{name}.tar.gz") as tar:
            tar.extractall(self.folder, filter="data")
        self.archive = self.folder / name
        self.programs = self.folder / "programs"
        self.programs.mkdir()
        for file in ["wxlink.dll", "wxlink.exe"]:
            shutil.copy(self.archive / "bin" / file, self.programs)
        if not has_random_numbers(arch):
            run(
                f"{arch}-w64-mingw32-gcc", "-shared", "-Wl,--kill-at", HERE / "bcryptprimitives.c",
                "-ladvapi32", "-o", self.programs / "bcryptprimitives.dll",
            )  # fmt: skip
        declares = run(sys.executable, HERE / "declares.py")
        (self.folder / "declares.h").write_text(declares)
        for sample in SAMPLES:
            self.compile(ROOT / f"bindings/c/{sample}.c", "-std=c89", "-pedantic")
            self.script(sample, strips_cr=True)
        for program in ["handles", "stdcall", "roots"]:
            self.compile(HERE / f"{program}.c")
        self.script("handles")
        self.script("stdcall", "utf16")

    def compile(self, source, *flags):
        run(
            f"{self.arch}-w64-mingw32-gcc", "-O1", "-Wall", "-Wextra", "-Werror",
            "-Wno-cast-function-type", *flags, source, f"-I{self.archive / 'include'}",
            f"-I{self.folder}", self.archive / "lib/libwxlink.dll.a", "-lcrypt32",
            "-o", self.programs / f"{source.stem}.exe",
        )  # fmt: skip

    def script(self, name, *arguments, strips_cr=False):
        """Writes a script that runs a program as if it were one of this system."""
        command = " ".join(
            [f"'{WINE}'", f"'{self.programs / name}.exe'", *(f"'{a}'" for a in arguments), '"$@"']
        )
        settings = "".join(
            f"export {key}='{ENVIRONMENT[key]}'\n"
            for key in ["WINEPREFIX", "WINEDEBUG", "WINEDLLOVERRIDES", "LC_ALL"]
        )
        settings += "unset SSL_CERT_FILE SSL_CERT_DIR\n"
        script = f"#!/bin/bash\n{settings}exec {command}\n"
        if strips_cr:
            # Text written by C on Windows has CR before LF.
            script = (
                f"#!/bin/bash\nset -o pipefail\n{settings}"
                f"{command} 2> >(sed -u 's/\\r$//' >&2) | sed -u 's/\\r$//'\n"
            )
        path = self.programs / name
        path.write_text(script)
        path.chmod(0o755)

    def wine(self, program, *arguments, **more):
        return run(WINE, self.programs / f"{program}.exe", *arguments, **more)

    def host(self, kind="utf16"):
        return Host(self, kind)


class Answer(dict):
    """The lines of a reply by their names, and the text of the result."""

    def __init__(self, lines):
        super().__init__(line.split("=", 1) for line in lines if "=" in line)
        self.text = "\n".join(lines[5:]).rstrip("\n")
        self.status = int(self["returned"])
        self.length = int(self["length"])


class Host:
    """A running program that calls the library as Visual Basic does: see stdcall.c."""

    def __init__(self, built, kind):
        self.process = subprocess.Popen(
            [WINE, built.programs / "stdcall.exe", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd=built.programs,
        )

    def call(self, operation, *how, **arguments):
        """Makes a call. `how` are lines for stdcall.c without their exclamation mark."""
        lines = [operation, *(f"!{h}" for h in how)]
        lines += [f"{key}={value}" for key, value in arguments.items()]
        request = "".join(f"{line}\n" for line in [*lines, "."])
        self.process.stdin.write(request.encode())
        self.process.stdin.flush()
        reply = []
        while (line := self.process.stdout.readline()) != b".\n":
            if not line:
                raise AssertionError(f"no reply to {operation}: {reply}")
            reply.append(line.decode().rstrip("\n"))
        answer = Answer(reply)
        # These hold for every call.
        assert answer["beyond"] == "0", "something was written behind the buffer"
        assert answer["float"] == "0", "the floating-point exceptions were changed"
        assert answer["stack"] == "0", "the stack or a register was changed"
        assert TOKEN not in answer.text, answer.text
        return answer

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(TIMEOUT_SECONDS)
        self.process.stdout.close()
        assert code == 0, f"stdcall.exe ended with {code}"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()


class WindowsTest(unittest.TestCase):
    """The tests of an architecture. The subclasses set it."""

    arch = None
    # One for each architecture, compiled at its first test.
    built = None

    @classmethod
    def setUpClass(cls):
        if cls.arch is None:
            raise unittest.SkipTest("only its subclasses are tests")
        cls.built = Built(cls.arch)

    def setUp(self):
        self.sandbox = Sandbox()
        self.addCleanup(self.sandbox.stop)

    def arguments(self, **more):
        return {"base_url": self.sandbox.base_url, "access_token": TOKEN, "format": "lines"} | more

    def ensure(self, host, *how, **more):
        choices = {"appid": APPID, "notify_users": 0, "show_profile": 1}
        return host.call("ensure", *how, **self.arguments(**choices), **more)

    def posts(self):
        return self.sandbox.admin("GET", "journal/counts")["received"]["link"]

    def test_the_programs_in_c_work_as_on_linux(self):
        command = [ROOT / "tools/with_sandbox.py", ROOT / "bindings/c/story.sh"]
        run(*command, self.built.programs)

    def test_a_host_with_utf16_and_one_with_bytes_invite_a_mini_program(self):
        for kind in ["utf16", "bytes"]:
            for declare in ["vb6", "vba"]:
                with self.subTest(kind=kind, declare=declare), self.built.host(kind) as host:
                    self.sandbox.admin("POST", "reset")
                    answer = self.ensure(host, declare)
                    self.assertEqual(STATUS["PENDING"], answer.status)
                    self.assertEqual("-80", answer["status"])
                    self.assertEqual("pending", answer["/state"])
                    self.assertEqual("official_account", answer["/waits_for"])
                    self.assertEqual(1, self.posts())
                    answer = host.call("list", declare, **self.arguments())
                    self.assertEqual(STATUS["OK"], answer.status)
                    self.assertEqual(APPID, answer["/wxopens/items/0/appid"])
                    answer = host.call("unlink", declare, **self.arguments(appid="wx-none"))
                    self.assertEqual("40013", answer["errcode"])

    def test_a_stack_at_any_address_is_left_as_it_was(self):
        if self.arch != "i686":
            self.skipTest("64-bit Windows has one calling convention and aligned stacks")
        secure = {
            "base_url": self.sandbox.https_url,
            "ca_file": windows_path(self.sandbox.ca_file),
        }
        for kind in ["utf16", "bytes"]:
            with self.built.host(kind) as host:
                for shift in [0, 4, 8, 12]:
                    with self.subTest(kind=kind, shift=shift):
                        answer = host.call("list", f"shift={shift}", **self.arguments(**secure))
                        self.assertEqual(STATUS["OK"], answer.status, answer.text)
                # Errors and panics take other ways out.
                answer = host.call("none", "shift=4", **self.arguments())
                self.assertEqual(STATUS["BAD_VALUE"], answer.status)

    def test_numbers_that_overflow_raise_no_exception_in_the_host(self):
        numbers = ["1e308000", "12345678901234567890.5e300", "1e-400", "-0.0"]
        for kind in ["utf16", "bytes"]:
            with self.built.host(kind) as host:
                for index, number in enumerate(numbers):
                    body = {"text": f'{{"errcode":0,"wxopens":{{"items":[]}},"x":{number}}}'}
                    fault = {"endpoint": "get", "fault": {"body": body}}
                    self.sandbox.admin("POST", "faults", fault)
                    answer = host.call("list", **self.arguments())
                    expected = "BAD_ANSWER" if index < 2 else "OK"
                    self.assertEqual(STATUS[expected], answer.status, answer.text)

    def test_chinese_texts_arrive_as_they_are(self):
        # The last character is a surrogate pair in UTF-16.
        name = "深圳小店𠮷"
        item = f'{{"status":1,"appid":"{APPID}","nickname":"{name}"}}'
        body = {"text": f'{{"errcode":0,"errmsg":"ok","wxopens":{{"items":[{item}]}}}}'}
        for kind in ["utf16", "bytes"]:
            with self.built.host(kind) as host:
                fault = {"endpoint": "get", "fault": {"body": body}}
                self.sandbox.admin("POST", "faults", fault)
                answer = host.call("list", **self.arguments())
                self.assertEqual(name, answer["/wxopens/items/0/nickname"])
                units = "utf-16-le" if kind == "utf16" else "utf-8"
                size = 2 if kind == "utf16" else 1
                self.assertEqual(answer.length, len((answer.text + "\n").encode(units)) // size)
                answer = host.call("unlink", **self.arguments(appid="wx-none", lang="zh"))
                self.assertIn("微信", answer["message"])
                # Wrong arguments are quoted in messages.
                answer = host.call("unlink", **self.arguments(lang="中文"))
                self.assertEqual(STATUS["BAD_OPTION"], answer.status, answer.text)

    def test_a_text_at_an_odd_address_and_a_damaged_one(self):
        for kind in ["utf16", "bytes"]:
            with self.built.host(kind) as host:
                answer = host.call("list", "odd", **self.arguments())
                self.assertEqual(STATUS["OK"], answer.status, answer.text)
                answer = host.call("list", "damaged", **self.arguments())
                self.assertEqual(STATUS["NOT_UTF8"], answer.status, answer.text)
                self.assertIn("UTF-16" if kind == "utf16" else "UTF-8", answer.text)

    def test_null_pointers_are_refused(self):
        for kind in ["utf16", "bytes"]:
            with self.built.host(kind) as host:
                for null, text in [(1, "op is NULL"), (2, "args is NULL"), (4, ""), (8, "")]:
                    answer = host.call("list", f"null={null}", **self.arguments())
                    self.assertEqual(STATUS["NULL_POINTER"], answer.status, null)
                    self.assertIn(text, answer.text)

    def test_a_post_whose_result_has_no_room_is_not_made(self):
        for kind in ["utf16", "bytes"]:
            with self.subTest(kind=kind), self.built.host(kind) as host:
                self.sandbox.admin("POST", "reset")
                for cap in [511, 0, -1, -2147483648]:
                    answer = self.ensure(host, f"cap={cap}")
                    self.assertEqual((STATUS["BUFFER"], 512), (answer.status, answer.length), cap)
                self.assertEqual(0, self.posts())
                answer = self.ensure(host, "cap=512")
                self.assertEqual(STATUS["PENDING"], answer.status)
                self.assertLessEqual(answer.length, 512)
                self.assertEqual("-80", answer["status"])
                self.assertEqual(1, self.posts())

    def test_a_list_that_does_not_fit_reports_its_length(self):
        for kind in ["utf16", "bytes"]:
            with self.subTest(kind=kind), self.built.host(kind) as host:
                arguments = self.arguments(access_token="SANDBOX-TOKEN-3")
                whole = host.call("list", **arguments)
                self.assertGreater(whole.length, 1000)
                for missing in [whole.length, 1]:
                    answer = host.call("list", f"cap={whole.length - missing}", **arguments)
                    self.assertEqual(STATUS["BUFFER"], answer.status)
                    self.assertEqual(whole.length, answer.length)
                answer = host.call("list", f"cap={whole.length}", **arguments)
                self.assertEqual((STATUS["OK"], whole.length), (answer.status, answer.length))
                self.assertEqual(whole["/wxopens/items/0/appid"], answer["/wxopens/items/0/appid"])

    def test_only_trusted_servers_receive_a_token(self):
        def status(**more):
            # A process reads the root certificates for each client.
            with self.built.host() as host:
                return host.call("list", **self.arguments(base_url=secure) | more).status

        secure = self.sandbox.https_url
        pem = Path(self.sandbox.ca_file).read_text()
        self.assertEqual(STATUS["OK"], status(ca_file=windows_path(self.sandbox.ca_file)))
        for trust in ["system", "bundled"]:
            self.assertEqual(STATUS["TLS"], status(trust=trust))
        body = re.search("-BEGIN CERTIFICATE-+(.*?)-+END", pem, re.S)[1]
        der = self.built.folder / "ca.der"
        der.write_bytes(base64.b64decode(body))
        self.built.wine("roots", windows_path(der))
        self.assertEqual(STATUS["OK"], status(trust="system"))
        self.assertEqual(STATUS["TLS"], status(trust="bundled"))

    def test_a_store_in_a_folder_with_a_chinese_name_is_shared_by_processes(self):
        for kind in ["utf16", "bytes"]:
            with self.subTest(kind=kind):
                self.sandbox.admin("POST", "reset")
                folder = self.built.folder / f"数据-{kind}"
                folder.mkdir()
                store = {"store": f"file:{windows_path(folder / '令牌.db')}", "account": ACCOUNT}
                with self.built.host(kind) as host:
                    answer = self.ensure(host, **store)
                    self.assertEqual(STATUS["PENDING"], answer.status, answer.text)
                self.assertTrue((folder / "令牌.db").exists())
                # The list does not show the invitation. The next process remembers it.
                self.sandbox.admin("PUT", f"accounts/{ACCOUNT}", {"links": []})
                with self.built.host(kind) as host:
                    answer = self.ensure(host, **store)
                    self.assertEqual(STATUS["PENDING"], answer.status, answer.text)
                    self.assertEqual(("absent", "0"), (answer["/found"], answer["/posts"]))
                self.assertEqual(1, self.posts())
                missing = f"file:{windows_path(self.built.folder / '没有' / 'store.db')}"
                with self.built.host(kind) as host:
                    answer = self.ensure(host, store=missing, lang="zh")
                    self.assertEqual(STATUS["STORE"], answer.status, answer.text)
                    self.assertIn("没有", answer["message"])

    def test_processes_that_share_a_store_invite_once(self):
        store = {"store": f"file:{windows_path(self.built.folder / 'shared.db')}"}

        def in_a_process(_):
            with self.built.host() as host:
                return self.ensure(host, **store, account=ACCOUNT, timeout_ms=60000).status

        with ThreadPoolExecutor(6) as pool:
            statuses = set(pool.map(in_a_process, range(6)))
        # On a busy machine some may not get hold of the file in time. They send nothing.
        self.assertIn(STATUS["PENDING"], statuses)
        self.assertLessEqual(statuses, {STATUS["PENDING"], STATUS["STORE"]})
        self.assertEqual(1, self.posts())

    def need(self, *words):
        """Passes the arguments to tools/need.sh, which skips the test, or fails it with CI=true."""
        code = subprocess.run([ROOT / "tools/need.sh", *words]).returncode
        if code == 77:
            self.skipTest("see the line above")
        self.assertEqual(0, code)

    def test_a_linker_for_msvc_takes_the_import_library(self):
        self.need(self.id(), "clang", "lld-link")
        compiler = f"{self.arch}-w64-mingw32-gcc"
        kernel = run(compiler, "-print-file-name=libkernel32.a").strip()
        for optimised in ["-O0", "-O2"]:
            built = self.built.programs / "msvc.obj"
            run(
                "clang", f"--target={LLVM_TARGETS[self.arch]}", "-ffreestanding",
                "-mno-stack-arg-probe", optimised, f"-I{self.built.archive / 'include'}",
                "-c", HERE / "msvc.c", "-o", built,
            )  # fmt: skip
            run(
                # MinGW's kernel32 has no table of exception handlers.
                "lld-link", "/safeseh:no", "/subsystem:console", "/entry:start", "/nodefaultlib",
                built,
                self.built.archive / "lib/wxlink.lib", kernel,
                f"/out:{self.built.programs / 'msvc.exe'}",
            )  # fmt: skip
            self.built.wine("msvc")

    def test_the_declarations_for_delphi_compile(self):
        self.need(self.id(), "fpc")
        page = (ROOT / "docs/windows.md").read_text()
        declarations = re.search("generated: delphi -->\n```pascal\n(.*?)```", page, re.S)[1]
        unit = self.built.folder / "declared.pas"
        unit.write_text(
            f"unit declared;\n{{$MODE DELPHI}}\ninterface\n{declarations}implementation\nend.\n"
        )
        run("fpc", "-l-", "-v0ew", "-Sew", "-Cn", f"-FE{self.built.folder}", unit)

    def test_the_command_links_and_lists(self):
        environment = {
            "WXLINK_BASE_URL": self.sandbox.base_url,
            "WXLINK_ACCESS_TOKEN": TOKEN,
        }

        def command(*words, code=0):
            done = subprocess.run(
                [WINE, self.built.programs / "wxlink.exe", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=ENVIRONMENT | environment,
                timeout=TIMEOUT_SECONDS,
            )
            output = done.stdout.decode()
            self.assertEqual(code, done.returncode, output)
            return output

        self.assertIn(f"wxlink {VERSION}", command("--version"))
        choices = ["--notify-users", "no", "--show-profile", "yes"]
        linked = command("link", APPID, *choices)
        self.assertIn("The invitation is out.", linked)
        self.assertNotIn("warning", linked)
        # Its files are in the folders of the user that Windows names.
        [local] = WORK.glob("wine/drive_c/users/*/AppData/Local/wxlink")
        self.assertTrue((local / "store").is_file())
        config = local.parents[1] / "Roaming/wxlink/config.toml"
        config.parent.mkdir(exist_ok=True)
        config.write_text('lang = "zh"\n')
        self.addCleanup(config.unlink)
        self.assertIn("微信", command("explain", "89010"))
        config.write_text("")
        self.assertIn(APPID, command("list"))
        self.assertIn("89010", command("explain", "89010"))
        self.assertIn("微信", command("explain", "89010", "--lang", "zh"))


class I686Test(WindowsTest):
    arch = "i686"


class X8664Test(WindowsTest):
    arch = "x86_64"

    def dotnet(self, *sources):
        """Compiles a program in C#, and returns the command that runs it.

        It has the assembly and the DLL beside it. PyPI has .NET for Windows for 64 bits only.
        """
        self.need(self.id(), "mcs")
        dotnet = fetch_dotnet()
        if not dotnet:
            self.need("--skip", self.id(), "PyPI is not reached")
        name = Path(sources[0]).stem
        folder = self.built.folder / "dotnet" / name
        folder.mkdir(parents=True)
        for dll in self.built.programs.glob("*.dll"):
            shutil.copy(dll, folder)
        compiler = ["mcs", "-nologo", "-codepage:utf8", "-warnaserror+"]
        assembly = folder / "Wxlink.Net.dll"
        binding = sorted((ROOT / "bindings/csharp/src").glob("*.cs"))
        run(*compiler, "-target:library", f"-out:{assembly}", *binding)
        run(*compiler, f"-reference:{assembly}", f"-out:{folder / name}.exe", *sources)
        framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
        config = {"runtimeOptions": {"framework": framework}}
        (folder / f"{name}.runtimeconfig.json").write_text(json.dumps(config))
        return [WINE, dotnet, windows_path(folder / f"{name}.exe")]

    def test_a_program_for_dotnet_links_and_cancels_a_wait(self):
        name = "深圳小店𠮷"
        item = f'{{"status":1,"appid":"{APPID}","nickname":"{name}"}}'
        body = {"text": f'{{"errcode":0,"errmsg":"ok","wxopens":{{"items":[{item}]}}}}'}
        folder = self.built.folder / "数据-dotnet"
        folder.mkdir()
        command = [*self.dotnet(HERE / "dotnet.cs"), self.sandbox.base_url, TOKEN, APPID]
        command += [ACCOUNT, windows_path(folder)]
        process = subprocess.Popen(
            [str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=ENVIRONMENT,
        )  # fmt: skip
        with process, process.stdin, process.stdout:
            self.addCleanup(process.kill)

            def expect(name):
                line = process.stdout.readline().decode().rstrip("\n")
                key, _, value = line.partition("=")
                self.assertEqual(name, key, line)
                return value

            def go_on():
                process.stdin.write(b"\n")
                process.stdin.flush()

            self.assertEqual("Win32NT", expect("platform"))
            self.assertEqual(VERSION, expect("library"))
            self.assertEqual("Pending OfficialAccount 1", expect("ensured"))
            self.assertEqual(1, self.posts())
            self.assertTrue((folder / "令牌.db").exists())
            # The program lists after this.
            self.sandbox.admin("POST", "faults", {"endpoint": "get", "fault": {"body": body}})
            go_on()
            self.assertEqual(f"{APPID} {name}", expect("item"))
            refused = expect("refused")
            self.assertTrue(refused.startswith("WxInvalidRequestException "), refused)
            # The same message as in a program in C.
            with self.built.host() as host:
                answer = host.call("unlink", **self.arguments(appid="wx-none", lang="zh"))
            self.assertIn("微信", refused)
            without_rid = [re.sub("rid [0-9a-f-]+", "rid", m) for m in (refused, answer["message"])]
            self.assertEqual(f"WxInvalidRequestException {without_rid[1]}", without_rid[0])
            missing = expect("missing")
            self.assertTrue(missing.startswith("WxNotSentException "), missing)
            self.assertIn("没有", missing)
            before = self.lists()
            self.assertEqual("False", expect("completed"))
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while self.lists() == before:
                self.assertLess(time.monotonic(), deadline, "the wait has asked for no list")
                time.sleep(0.02)
            go_on()
            self.assertEqual("True", expect("cancelled"))
            self.assertEqual(b"", process.stdout.read())
            self.assertEqual(0, process.wait(TIMEOUT_SECONDS))

    def lists(self):
        return self.sandbox.admin("GET", "journal/counts")["received"]["get"]

    def test_the_samples_in_csharp_print_utf8(self):
        def play(sample, token, *arguments):
            variables = {"WXLINK_BASE_URL": self.sandbox.base_url, "WXLINK_ACCESS_TOKEN": token}
            command = self.dotnet(ROOT / f"bindings/csharp/samples/{sample}.cs")
            return run(*command, *arguments, variables=variables)

        self.assertEqual("The invitation is out.\n", play("Link", TOKEN, APPID, "0", "1"))
        self.assertIn("示例小程序11\n", play("List", "SANDBOX-TOKEN-3"))

    def test_the_tests_in_csharp_pass(self):
        variables = self.sandbox.environment()
        variables["WXLINK_SANDBOX_CA_FILE"] = windows_path(self.sandbox.ca_file)
        variables["WXLINK_CHECKOUT"] = windows_path(ROOT)
        sources = sorted((ROOT / "bindings/csharp/tests").glob("*.cs"))
        classes = csharp_setting("dotnet_tests").split()
        # Among them is one with 10,000 calls.
        command = [*self.dotnet(*sources), *classes]
        output = run(*command, variables=variables, timeout=4 * TIMEOUT_SECONDS)
        for name in classes:
            self.assertIn(f"ok {name}.", output)
        self.assertIn(" passed, 0 failed", output)


CASES = {"i686": I686Test, "x86_64": X8664Test}


def csharp_setting(name):
    """What bindings/csharp/test.sh sets a variable to."""
    script = (ROOT / "bindings/csharp/test.sh").read_text()
    return re.search(rf'^{name}="?([^"\n]+)"?$', script, re.M)[1]


def fetch_dotnet():
    """The program that runs .NET programs, downloaded if it is not there; None if it cannot be."""
    package = csharp_setting("dotnet_package")
    folder = WORK / package
    if not folder.exists():
        work = WORK / f"{package}.work"
        shutil.rmtree(work, ignore_errors=True)
        pip = ROOT / ".venv/bin/pip"
        if not pip.exists():
            run(sys.executable, "-m", "venv", ROOT / ".venv")
        # Not ENVIRONMENT: PyPI may have a certificate of this system.
        download = [
            pip, "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--platform=win_amd64", f"--dest={work}", package,
        ]  # fmt: skip
        if subprocess.run(download).returncode:
            return None
        [wheel] = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(work)
        wheel.unlink()
        work.rename(folder)
    return folder / "dotnetcore2/bin/dotnet.exe"


def has_random_numbers(arch):
    """Whether Wine has the DLL from which Rust's standard library gets random numbers."""
    trial = WORK / f"random-{arch}"
    trial.with_suffix(".c").write_text(
        "#include <windows.h>\n"
        'int main(void) { return LoadLibraryA("bcryptprimitives.dll") == NULL; }\n'
    )
    run(f"{arch}-w64-mingw32-gcc", trial.with_suffix(".c"), "-o", trial.with_suffix(".exe"))
    done = subprocess.run([WINE, trial.with_suffix(".exe")], env=ENVIRONMENT)
    return done.returncode == 0


def check_tools(architectures):
    if shutil.which(WINE) is None:
        skip(f"{WINE} is not installed")
    WORK.mkdir(parents=True, exist_ok=True)
    for arch in architectures:
        compiler = f"{arch}-w64-mingw32-gcc"
        if shutil.which(compiler) is None:
            skip(f"{compiler} is not installed")
        if not (ROOT / f"target/dist/wxlink-{VERSION}-{arch}-windows-gnu.tar.gz").exists():
            sys.exit(f"windows: no archive for {arch}; run: make dist ONLY=windows")
        trial = WORK / f"trial-{arch}"
        trial.with_suffix(".c").write_text("int main(void) { return 7; }\n")
        run(compiler, trial.with_suffix(".c"), "-o", trial.with_suffix(".exe"))
        # Without its part for the architecture, wine only prints a text and returns 0.
        done = subprocess.run([WINE, trial.with_suffix(".exe")], env=ENVIRONMENT)
        if done.returncode != 7:
            skip(f"wine does not run programs for {arch} (Debian: wine32:i386, wine64)")


def cargo_tests(architectures):
    """The vectors and the fault matrix of this project, with the libraries for Windows."""
    for arch in architectures:
        programs = WORK / arch / "programs"
        variables = {"WXLINK_WINDOWS_PROGRAMS": str(programs), "WXLINK_CALLS_ROOT": "Z:"}
        cargo = [os.environ.get("CARGO", "cargo"), "test", "--locked", "--package", "wxlink"]
        for test, name, more in [
            ("conformance", "c_for_windows", {}),
            ("fault_matrix", "of_a_program", {"WXLINK_CALLS": str(programs / "handles")}),
            ("fault_matrix", "of_a_program", {"WXLINK_CALLS": str(programs / "stdcall")}),
        ]:
            command = [*cargo, "--test", test, name, "--", "--ignored"]
            environment = os.environ | variables | more
            print(f"{arch}: {test} {' '.join(more.values())}", flush=True)
            subprocess.run(command, cwd=ROOT, env=environment, check=True)


def main():
    architectures = sys.argv[1:] or ARCHITECTURES
    check_tools(architectures)
    print(run(WINE, "--version").strip(), flush=True)
    suite = unittest.TestSuite(
        unittest.defaultTestLoader.loadTestsFromTestCase(CASES[arch]) for arch in architectures
    )
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if not result.wasSuccessful():
        sys.exit(1)
    cargo_tests(architectures)


if __name__ == "__main__":
    main()
