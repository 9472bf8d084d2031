"""Uses, upgrades, removes and purges the Debian packages: run by systemd in the root of test.sh.

    inside.py VERSION    of the packages in /test/new; older ones of /test/old are installed

/etc and /var belong to this root, and its network is a loopback device of its own.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

LINK = ["wx0b00000000000001", "0", "1"]
PACKAGES = ["libwxlink1", "libwxlink-dev", "wxlink", "wxlink-sandbox", "python3-wxlink"]
SERVICE = "wxlink-serve"
CONFIG = Path("/etc/wxlink/config.toml")
STORE = Path("/var/lib/wxlink/store")
PUSH = {"token": "rehearsal", "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}
TIMEOUT_SECONDS = 120


def expect(truth, what):
    if not truth:
        sys.exit(f"failed\t{what}")


def ok(what):
    print(f"ok  \t{what}", flush=True)


def run(*command, code=0, **variables):
    """Runs a command, checks its exit code, and returns what it printed."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | variables,
    )
    expect(done.returncode == code, f"{command} ended with {done.returncode}: {done.stdout}")
    return done.stdout


def until(condition, what):
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        expect(time.monotonic() < end, what)
        time.sleep(0.05)


def with_simulator(*command, code=0):
    variables = {"WXLINK_LIB_DIR": "/usr/bin", "WXLINK_ACCESS_TOKEN": "SANDBOX-TOKEN"}
    return run("python3", "/test/with_sandbox.py", *command, code=code, **variables)


def versions():
    output = run("dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *PACKAGES)
    return dict(line.split() for line in output.splitlines())


# What the packages contain


def try_library():
    flags = run("pkg-config", "--cflags", "--libs", "wxlink").split()
    run("cc", "/test/link.c", *flags, "-o", "/tmp/link")
    expect("libwxlink.so.1" in run("ldd", "/tmp/link"), "the program needs no libwxlink.so.1")
    output = with_simulator("/tmp/link", *LINK)
    expect(output == "The invitation is out.\n", output)
    flags = run("pkg-config", "--cflags", "wxlink").split()
    flags += run("pkg-config", "--variable=static", "wxlink").split()
    run("cc", "-s", "/test/link.c", *flags, "-o", "/tmp/link-static")
    expect("libwxlink" not in run("ldd", "/tmp/link-static"), "the program is not static")
    output = with_simulator("/tmp/link-static", *LINK)
    expect(output == "The invitation is out.\n", output)
    ok("C programs, with pkg-config")


def try_module():
    output = with_simulator("python3", "-I", "/test/link.py", *LINK)
    expect(output == "The invitation is out.\n", output)
    script = """
import wxlink, wxlink.sandbox
with wxlink.sandbox.Server() as server, server.client() as client:
    ensure = lambda: client.ensure_linked(
        server.token, server.appid, notify_users=False, show_profile=True)
    print(ensure().state)
    server.approve(server.appid, by="official_account")
    server.approve(server.appid, by="mini_program")
    print(ensure().state)
"""
    output = run("python3", "-I", "-c", script)
    expect(output == "pending\nlinked\n", output)
    script = "import importlib.metadata, wxlink; print(importlib.metadata.version('wxlink'))"
    expect(run("python3", "-I", "-c", script).strip() == command_version(), "the module's version")
    ok("the Python module, with the simulator")


def command_version():
    return run("wxlink", "--version").split()[1]


def try_command():
    arguments = [LINK[0], "--notify-users", "no", "--show-profile", "yes"]
    output = with_simulator("wxlink", "link", *arguments)
    expect("The invitation is out." in output, output)
    output = with_simulator("wxlink", "ensure", *arguments, "--json", code=3)
    expect('"state":"pending"' in output, output)
    ok("the command")


def try_papers():
    for section, page in [
        ("1", "wxlink"),
        ("1", "wxlink-link"),
        ("1", "wxlink-serve"),
        ("1", "wxlink-sandbox"),
        ("3", "wxlink"),
    ]:
        run("man", "--where", section, page)
        text = run("man", section, page, MANWIDTH="200")
        expect("wxlink" in text, f"{page}({section}): {text}")
    expect("--approve HOW" in run("man", "1", "wxlink-sandbox"), "options of wxlink-sandbox(1)")
    load = ". /usr/share/bash-completion/bash_completion; _completion_loader wxlink; "
    expect("wxlink" in run("bash", "-c", load + "complete -p wxlink"), "completion of bash")
    load = "autoload -U compinit; compinit -u -D; "
    output = run("zsh", "-f", "-c", load + "print $_comps[wxlink]")
    expect(output.strip() == "_wxlink", f"completion of zsh: {output}")
    # fish writes into the home.
    output = run("fish", "-c", "complete --do-complete 'wxlink ens'", HOME="/tmp")
    expect(output.startswith("ensure"), f"completion of fish: {output}")
    for package in PACKAGES:
        doc = Path("/usr/share/doc") / package
        for paper in ["copyright", "changelog.gz"]:
            expect((doc / paper).stat().st_size > 0, f"{doc / paper}")
    ok("manual pages, completions, licences")


# The service


def is_active():
    return subprocess.run(["systemctl", "--quiet", "is-active", SERVICE]).returncode == 0


def pid():
    return int(run("systemctl", "show", "--value", "--property=MainPID", SERVICE))


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:8000{path}", timeout=30) as response:
        return response.read().decode()


def metric(name):
    lines = get("/metrics").splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), None)


def configure(url):
    CONFIG.parent.mkdir(mode=0o700)
    CONFIG.touch(mode=0o600)
    CONFIG.write_text(
        f'base_url = "{url}"\n'
        'component_appid = "wx0c00000000000001"\n'
        'component_appsecret = "SANDBOX-COMPONENT-SECRET"\n'
        f'push_token = "{PUSH["token"]}"\n'
        f'push_aes_key = "{PUSH["aes_key"]}"\n'
        f'store = "file:{STORE}"\n'
    )
    CONFIG.with_name("serve.env").write_text("PUBLIC_URL=https://link.example.com\n")


def process_status():
    lines = Path(f"/proc/{pid()}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def start_service(simulator):
    enabled = ["systemctl", "is-enabled", SERVICE]
    expect(run(*enabled, code=1).strip() == "disabled", "the service is enabled")
    expect(not is_active(), "the service runs before it is configured")
    run("systemctl", "start", SERVICE, code=1)
    configure(simulator.url)
    # Without a platform the service does not get ready, and is not started again and again.
    complete = CONFIG.read_text()
    CONFIG.write_text("")
    run("systemctl", "start", SERVICE, code=1)
    expect("Result=exit-code" in run("systemctl", "show", SERVICE), "the result of the service")
    expect("NRestarts=0" in run("systemctl", "show", SERVICE), "the service is started again")
    CONFIG.write_text(complete)
    run("systemctl", "enable", "--now", SERVICE)
    # `start` returns when the service is ready.
    get("/healthz")
    status = process_status()
    expect("0" not in status["Uid"], f"the service runs as root: {status['Uid']}")
    expect(status["NoNewPrivs"] == ["1"], "NoNewPrivileges")
    expect(status["Seccomp"] == ["2"], "SystemCallFilter")
    for kind in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]:
        expect(int(status[kind][0], 16) == 0, f"the service has capabilities: {kind}")
    ok("the service starts when it is configured, without any privilege")


def push_ticket(simulator):
    url = "http://127.0.0.1:8000/push"
    simulator.admin("PUT", "component/push", PUSH | {"url": url})
    until(lambda: metric('wxlink_pushes_total{event="component_verify_ticket"}'), "no ticket")
    expect(STORE.exists(), "no store")


def try_status():
    """The command of root uses the store of the service, and the service still can."""
    output = run("wxlink", "platform", "status", "--json", WXLINK_CONFIG=str(CONFIG))
    expect(json.loads(output.splitlines()[0])["has_ticket"] is True, output)
    get("/healthz")


def install(folder):
    packages = sorted(map(str, Path(folder).glob("*.deb")))
    return run("apt-get", "install", "--yes", "--no-install-recommends", *packages)


def upgrade(version):
    old = versions()
    expect(len(old) == 5 and version not in old.values(), f"old versions: {old}")
    before = pid()
    install("/test/new")
    expect(versions() == dict.fromkeys(PACKAGES, version), f"new versions: {versions()}")
    expect(pid() not in (0, before), "the upgrade did not restart the service")
    get("/healthz")
    expect(metric("wxlink_ticket_age_seconds") is not None, "the ticket is lost")
    try_status()
    ok("an upgrade restarts the service, which keeps its store")


def try_unit():
    run("systemd-analyze", "verify", f"/lib/systemd/system/{SERVICE}.service")
    # The exposure, times 10: systemd calls 2 or less "OK".
    run("systemd-analyze", "security", "--threshold=20", SERVICE)
    ok("systemd-analyze verify and security")


def remove():
    run("apt-get", "remove", "--yes", *PACKAGES)
    expect(not is_active(), "the service still runs")
    for path in ["/usr/bin/wxlink", f"/lib/systemd/system/{SERVICE}.service"]:
        expect(not Path(path).exists(), f"{path} is left")
    expect(STORE.exists(), "the store is removed before the purge")
    run("systemctl", "start", SERVICE, code=5)
    ok("removed; the store is kept")
    # Installed again, it works as before.
    install("/test/new")
    run("systemctl", "enable", "--now", SERVICE)
    expect(metric("wxlink_ticket_age_seconds") is not None, "the ticket is lost")
    run("apt-get", "purge", "--yes", *PACKAGES)
    for path in [STORE.parent, Path("/var/lib/private/wxlink")]:
        expect(not path.is_symlink() and not path.exists(), f"{path} is left after the purge")
    # The files of the administrator are not the package's.
    for path in [CONFIG, CONFIG.with_name("serve.env")]:
        path.unlink()
    CONFIG.parent.rmdir()
    ok("purged; the administrator's files are kept")


def main():
    try_library()
    try_module()
    try_command()
    try_papers()
    import wxlink.sandbox

    with wxlink.sandbox.Server() as simulator:
        start_service(simulator)
        push_ticket(simulator)
        try_status()
        try_unit()
        upgrade(sys.argv[1])
        remove()
    print("all passed", flush=True)


if __name__ == "__main__":
    main()
