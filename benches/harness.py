"""Shared by the benchmarks: builds and runs the contestants and the responder they call."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LIB = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release").resolve()
BUILD = Path(os.environ.get("WXLINK_BUILD_DIR") or ROOT / "target/benches").resolve()
CC = os.environ.get("CC", "cc")
CXX = os.environ.get("CXX", "c++")
# Without proxies, since all servers are on this machine, and with the system's root certificates.
ENV = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and not name.startswith("SSL_CERT_")
}


class MissingToolError(Exception):
    """A tool or a package that a measurement needs is not installed."""


def skip(part, missing):
    """Reports that a part is skipped, and returns the exit code for that: see tools/need.sh."""
    command = [ROOT / "tools/need.sh", "--skip", part, f"{missing} is not installed"]
    return subprocess.run(command).returncode


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise MissingToolError(program)


def compile_c(name, *sources, flags=(), package=""):
    """Builds a program of benches/c; MissingToolError if its library is not installed."""
    need(CC, CXX)
    BUILD.mkdir(parents=True, exist_ok=True)
    program = BUILD / name
    scratch = BUILD / f"{name}.{os.getpid()}"
    objects = []
    try:
        for source in sources:
            plus = source.endswith(".cc")
            objects.append(f"{scratch}.{source}.o")
            command = [CXX, "-std=c++17"] if plus else [CC, "-std=c11"]
            command += ["-O2", "-Wall", "-c", HERE / "c" / source, "-o", objects[-1]]
            command += [f"-I{ROOT / 'include'}"]
            compile_or_miss([*command, *(f for f in flags if f.startswith("-D"))], package)
        linker = CXX if any(s.endswith(".cc") for s in sources) else CC
        compile_or_miss([linker, *objects, "-o", scratch, "-pthread", *flags], package)
        scratch.rename(program)
    finally:
        for path in [scratch, *map(Path, objects)]:
            path.unlink(missing_ok=True)
    return program


def compile_or_miss(command, package):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode == 0:
        return
    absent = "No such file" in result.stderr or "cannot find -l" in result.stderr
    if package and absent:
        raise MissingToolError(package)
    sys.exit(f"{' '.join(map(str, command))}\n{result.stderr}")


def compile_wxlink(name="wxlink", *sources):
    """Builds a program of benches/c that uses the library."""
    if not (LIB / "libwxlink.so").exists():
        sys.exit(f"{LIB}/libwxlink.so does not exist: run make build")
    BUILD.mkdir(parents=True, exist_ok=True)
    link = BUILD / "libwxlink.so.1"
    link.unlink(missing_ok=True)
    link.symlink_to(LIB / "libwxlink.so")
    sources = sources or ("driver.c", "wxlink.c")
    flags = [f"-L{LIB}", "-lwxlink", f"-Wl,-rpath,{BUILD}"]
    return compile_c(name, *sources, flags=flags)


def compile_responder():
    """Builds the responder. Returns its path and whether it supports TLS."""
    flags = ["-lssl", "-lcrypto"]
    try:
        return compile_c("responder", "responder.c", flags=flags, package="libssl-dev"), True
    except MissingToolError:
        return compile_c("responder", "responder.c", flags=["-DNO_TLS"]), False


def answers(folder):
    """Writes the three responses, with WeChat's documented fields and of the usual length."""

    def item(i):
        return {
            "status": 1,
            "username": f"gh_{i:012x}",
            "appid": f"wx{i:016x}",
            "source": "SOURCE_NORMAL",
            "nickname": f"示例小程序{i}",
            "selected": 0,
            "nearby_display_status": 0,
            "released": 1,
            "headimg_url": f"http://wx.qlogo.cn/mmhead/Q3auHgzwzM4hQSxfxVmF{i:020d}/0",
            "func_infos": [
                {"status": 1, "id": 1, "name": "微信认证"},
                {"status": 1, "id": 2, "name": "微信支付"},
            ],
            "copy_verify_status": 1,
            "email": f"dev{i}@example.com",
        }

    bodies = {"link": {"errcode": 0, "errmsg": "ok"}}
    for n in (50, 500):
        items = [item(i) for i in range(1, n + 1)]
        bodies[f"list{n}"] = {"errcode": 0, "errmsg": "ok", "wxopens": {"items": items}}
    paths = []
    for name, body in bodies.items():
        paths.append(Path(folder) / f"{name}.json")
        paths[-1].write_text(json.dumps(body, ensure_ascii=False, separators=(",", ":")))
    return paths


def certificates(folder):
    """Creates a CA and a certificate for this machine. Returns the paths: CA, certificate, key."""
    need("openssl")
    ca, ca_key, cert, key = (Path(folder) / n for n in ("ca.pem", "ca.key", "cert.pem", "key.pem"))
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    new += ["-nodes", "-days", "30"]
    for command in (
        [*new, "-subj", "/CN=wxlink benches", "-keyout", ca_key, "-out", ca],
        [*new, "-subj", "/CN=localhost", "-keyout", key, "-out", cert, "-CA", ca, "-CAkey", ca_key,
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE"],
    ):  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)
    return ca, cert, key


class Responder:
    """A running responder. Use it in a `with` statement, which stops it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="wxlink-benches-")
        program, tls = compile_responder()
        command = [program, *answers(self.folder.name)]
        self.ca = None
        if tls and shutil.which("openssl"):
            self.ca, *pair = certificates(self.folder.name)
            command += pair
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENV)
        self.port, self.tls_port = map(int, self.process.stdout.readline().split())
        self.url = f"http://127.0.0.1:{self.port}"
        self.tls_url = f"https://127.0.0.1:{self.tls_port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def connections(self):
        """How many connections were opened so far, without those of this method."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/connections")
        n = json.load(connection.getresponse())["connections"]
        connection.close()
        self.asked = getattr(self, "asked", 0) + 1
        return n - self.asked


class Contestant:
    """A running program that reads commands to make calls, and prints nanoseconds per call."""

    def __init__(self, command, env=ENV):
        self.command = [str(c) for c in command]
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            env=env,
        )

    def __call__(self, kind, count):
        self.process.stdin.write(f"{kind} {count}\n")
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.command)} ended during {kind}")
        return float(line)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def alone(program, *args):
    """Runs a contestant for one command and returns its figure."""
    command = [program, *map(str, args)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENV)
    return float(done.stdout)


def instructions(command):
    """Runs a program under callgrind and returns how many instructions it executed."""
    callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
    result = subprocess.run(callgrind, env=ENV, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", result.stderr)
    if result.returncode or not found:
        sys.exit(result.stderr)
    return int(found[1])


def is_redis(port, pid):
    """Whether the Redis server with this process id answers on the port."""
    address = ("127.0.0.1", port)
    with contextlib.suppress(OSError), socket.create_connection(address, 10) as connection:
        connection.sendall(b"PING\r\nINFO server\r\n")
        reply = connection.makefile("rb")
        if reply.readline() == b"+PONG\r\n":
            length = int(reply.readline().removeprefix(b"$"))
            return f"process_id:{pid}".encode() in reply.read(length).split()
    return False


@contextlib.contextmanager
def redis(folder):
    """Runs a Redis server. Gives its URL."""
    # This socket keeps the port while the server runs: the system gives it to no other program, but
    # Redis, which also allows the address to be reused, can listen on it.
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    port = reserved.getsockname()[1]
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    command += ["--dir", str(folder)]
    with reserved, subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not is_redis(port, process.pid):
                assert process.poll() is None, "redis-server ended"
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
