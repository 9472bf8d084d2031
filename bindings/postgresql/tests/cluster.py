"""A PostgreSQL server of its own with the extension, in a scratch folder.

Nothing is installed in the system. PostgreSQL finds its files relative to its program, so the
scratch folder has a copy of the program, links to the rest of the installation, and the extension
among them.
"""

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
# What `make install DESTDIR=…` has installed, if it is not to be built from the checkout.
INSTALLED = os.environ.get("WXLINK_PG_INSTALLED")
LIBRARIES = Path(os.environ.get("WXLINK_LIB_DIR") or ROOT / "target/release").resolve()
PG_CONFIG = os.environ.get("PG_CONFIG") or "pg_config"
# The user that Linux reserves for processes without rights.
UNPRIVILEGED_UID = 65534
# Longer than anything takes on a busy machine.
LIMIT_SECONDS = 60


def wait_until(condition, what):
    """Waits until the condition returns something true, and returns that."""
    limit = time.monotonic() + LIMIT_SECONDS
    while not (value := condition()):
        if time.monotonic() > limit:
            raise TimeoutError(what)
        time.sleep(0.01)
    return value


class SqlError(Exception):
    """The first error that a server reported."""

    def __init__(self, text):
        super().__init__(text)
        found = re.search(r"(?:ERROR|FATAL):  (\w{5}): (.*)", text)
        self.sqlstate, self.message = found.groups() if found else ("", text)
        self.detail = self._field(text, "DETAIL")
        self.hint = self._field(text, "HINT")
        self.context = self._field(text, "CONTEXT")

    @staticmethod
    def _field(text, name):
        found = re.search(rf"^{name}:  (.*)$", text, re.MULTILINE)
        return found[1] if found else ""


def server_user():
    """The user that runs the server: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwuid(UNPRIVILEGED_UID)


def pg_config(what):
    command = [PG_CONFIG, f"--{what}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


class Cluster:
    """A running server, in a `with` statement. The current folder may be any."""

    def __init__(self, settings=()):
        self.folder = Path(tempfile.mkdtemp(prefix="wxlink-pg-"))
        self.settings = settings
        self.user = server_user()
        self.process = None
        self.log = self.folder / "log"
        # What belongs to the server's user: its data, its socket, and the files of the tests.
        self.run = self.folder / "run"
        self.config = self.run / "wxlink.toml"

    def __enter__(self):
        try:
            self._install()
            self._initialize()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder)

    def as_server(self):
        """The arguments that make subprocess run a command as the server's user."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def give(self, path):
        """Lets a file belong to the server's user alone."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if os.geteuid() == 0:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def _environment(self):
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR") if key in os.environ}
        return {**kept, "LC_ALL": "C", "LD_LIBRARY_PATH": str(self.folder / "lib")}

    def _install(self):
        """Puts the extension beside links to the installed PostgreSQL."""
        self.folder.chmod(0o755)
        self.run.mkdir()
        self.give(self.run)
        library = self.folder / "lib/libwxlink.so.1"
        library.parent.mkdir()
        # A copy, because the server's user may not see the checkout.
        shutil.copy(LIBRARIES / "libwxlink.so", library)
        root = self.folder / "root"
        if INSTALLED:
            shutil.copytree(INSTALLED, root)
        else:
            self._build(library, root)

        def below(what):
            path = pg_config(what)
            return Path(path), root / path.lstrip("/")

        for what in ("pkglibdir", "sharedir"):
            self._link(*below(what))
        share, own_share = below("sharedir")
        self._link(share / "extension", own_share / "extension")
        self.clients, self.programs = below("bindir")
        self.programs.mkdir(parents=True)
        for name in ("postgres", "initdb"):
            shutil.copy(self.clients / name, self.programs / name)

    def _build(self, library, root):
        (self.folder / "build").mkdir()
        make = [
            "make",
            f"--makefile={HERE / 'Makefile'}",
            f"VPATH={HERE}",
            f"PG_CONFIG={PG_CONFIG}",
            f"WXLINK_CFLAGS=-I{ROOT / 'include'}",
            f"WXLINK_LIBS={library}",
            "COPT=-Werror",
        ]
        for command in (make, [*make, "install", f"DESTDIR={root}"]):
            done = subprocess.run(
                command, cwd=self.folder / "build", capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise RuntimeError(done.stdout + done.stderr)

    @staticmethod
    def _link(installed, own):
        own.mkdir(parents=True, exist_ok=True)
        for entry in installed.iterdir():
            target = own / entry.name
            if not target.exists():
                target.symlink_to(entry)

    def _initialize(self):
        command = [
            self.programs / "initdb",
            f"--pgdata={self.run / 'data'}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        subprocess.run(
            command,
            env=self._environment(),
            cwd=self.run,
            stdout=subprocess.DEVNULL,
            check=True,
            **self.as_server(),
        )
        settings = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{self.run}'",
            "fsync = off",
            "max_connections = 60",
            "timezone = 'UTC'",
            f"wxlink.config_file = '{self.config}'",
            *self.settings,
        ]
        with (self.run / "data/postgresql.conf").open("a") as conf:
            conf.write("\n".join(settings) + "\n")

    def start(self):
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.run / "data"],
                env=self._environment(),
                cwd=self.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self.as_server(),
            )
        wait_until(self.accepts, "the server does not start")

    def logged(self, start=0):
        """What the server has logged from this offset. Databases log in their own encodings."""
        return self.log.read_bytes()[start:].decode("utf-8", "replace")

    def accepts(self):
        """Whether the server accepts connections."""
        if self.process.poll() is not None:
            raise RuntimeError(self.logged())
        command = [
            self.clients / "pg_isready",
            "--quiet",
            "--username=postgres",
            "--host",
            self.run,
        ]
        return subprocess.run(command, check=False).returncode == 0

    def answers(self):
        """Whether the server carries out a statement."""
        try:
            return self.sql("SELECT 1") == "1"
        except SqlError:
            return False

    def stop(self):
        """Stops the server without waiting for its clients, which its sessions must notice."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGINT)
        try:
            process.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            # An immediate shutdown kills sessions that do not end.
            process.send_signal(signal.SIGQUIT)
            process.wait(LIMIT_SECONDS)
            raise RuntimeError(f"the server does not stop\n{self.logged()}") from None

    def psql(self, sql, database="postgres", user="postgres", **environment):
        """Starts psql with these statements."""
        command = [self.clients / "psql", "--no-psqlrc", "--quiet", "--no-align", "--tuples-only"]
        command += ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=verbose", "--set=SHOW_CONTEXT=always"]
        command += ["--host", self.run, "--username", user, "--dbname", database, "--file=-"]
        kept = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}
        psql = subprocess.Popen(
            command,
            env={**kept, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        # Sends a statement that has no semicolon, too.
        psql.stdin.write(sql + "\n;\n")
        psql.stdin.flush()
        return psql

    @staticmethod
    def result(psql):
        """What the statements of psql print. Raises an SqlError."""
        out, errors = psql.communicate(timeout=LIMIT_SECONDS)
        if psql.returncode != 0:
            raise SqlError(errors)
        return out.rstrip("\n")

    def sql(self, sql, **arguments):
        return self.result(self.psql(sql, **arguments))

    def backend(self, application_name):
        """The process of the session with this name that waits in a call; None if there is none."""
        pid = self.sql(
            "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND "
            f"application_name = '{application_name}'"
        )
        return int(pid) if pid else None
