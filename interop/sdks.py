"""The SDKs of other projects: how each is installed, started, and led to the simulator."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "target/interop"

# No other version of Go is downloaded.
LOCAL_GO = {**os.environ, "GOTOOLCHAIN": "local"}


# Settings of OpenSSL for a client that refuses certificates with ECDSA.
RSA_ONLY = """
openssl_conf = settings
[settings]
ssl_conf = connections
[connections]
system_default = every_connection
[every_connection]
SignatureAlgorithms = rsa_pss_rsae_sha256:rsa_pkcs1_sha256
"""


class InstallError(Exception):
    """A package manager or a compiler failed."""


def install(command, **arguments):
    """Runs a package manager. Its output is shown only if it fails."""
    done = subprocess.run(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **arguments
    )
    if done.returncode != 0:
        sys.stderr.write(done.stdout)
        raise InstallError(f"{command[0]} failed with {done.returncode}")


class Sdk:
    """What the SDKs have in common.

    `name` is that of the folder of its driver, `pin` the file that pins its version and a pattern
    that finds it there, `tools` what its driver needs, `sandbox_options` those of its simulator.
    """

    tools = ()
    sandbox_options = ()

    def missing_tool(self):
        """The first tool that is not installed, or None."""
        return next((tool for tool in self.tools if not shutil.which(tool)), None)

    def version(self):
        name, pattern = self.pin
        return re.search(pattern, (HERE / name).read_text())[1]

    def install(self):
        """Installs the SDK in WORK, and compiles the driver."""
        raise NotImplementedError

    def command(self, sandbox, scratch):
        """The command that starts the driver. It may keep files in the folder `scratch`."""
        raise NotImplementedError

    def environment(self, sandbox, scratch):
        """The variables that lead api.weixin.qq.com to the simulator."""
        raise NotImplementedError


class Wechatpy(Sdk):
    name = "wechatpy"
    pin = ("wechatpy/requirements.txt", r"wechatpy==(\S+)")
    tools = ("python3",)
    # It accepts no signatures but those of RSA, as programs with an old TLS library.
    sandbox_options = ("--rsa",)

    def install(self):
        folder = WORK / "wechatpy"
        install([sys.executable, "-m", "venv", str(folder)])
        requirements = str(HERE / "wechatpy/requirements.txt")
        install([str(folder / "bin/pip"), "install", "--quiet", "--requirement", requirements])

    def command(self, _sandbox, _scratch):
        return [str(WORK / "wechatpy/bin/python"), str(HERE / "wechatpy/driver.py")]

    def environment(self, sandbox, scratch):
        settings = Path(scratch) / "openssl.cnf"
        settings.write_text(RSA_ONLY)
        return {
            "HTTPS_PROXY": sandbox.base_url,
            "REQUESTS_CA_BUNDLE": sandbox.ca_file,
            "OPENSSL_CONF": str(settings),
        }


class Silenceper(Sdk):
    name = "silenceper"
    pin = ("silenceper/go.mod", r"wechat/v2 v(\S+)")

    @staticmethod
    def find_go():
        """Go 1.24 or newer, in the PATH or where the tests of the Go binding install it."""
        for go in (shutil.which("go"), ROOT / ".venv/bin/go"):
            if go and Path(go).exists():
                shown = subprocess.run(
                    [go, "version"], env=LOCAL_GO, text=True, capture_output=True
                )
                minor = re.search(r" go1\.(\d+)", shown.stdout)
                if minor and int(minor[1]) >= 24:
                    return str(go)
        return None

    def missing_tool(self):
        return None if self.find_go() else "Go 1.24 or newer"

    def install(self):
        command = [self.find_go(), "build", "-mod=readonly", "-o", str(WORK / "silenceper"), "."]
        install(command, cwd=HERE / "silenceper", env=LOCAL_GO)

    def command(self, _sandbox, _scratch):
        return [str(WORK / "silenceper")]

    def environment(self, sandbox, _scratch):
        return {"HTTPS_PROXY": sandbox.base_url, "SSL_CERT_FILE": sandbox.ca_file}


class Easywechat(Sdk):
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

    def environment(self, sandbox, _scratch):
        return {
            "HTTPS_PROXY": sandbox.base_url,
            "NODE_EXTRA_CA_CERTS": sandbox.ca_file,
            "NODE_PATH": str(WORK / "easywechat/node_modules"),
        }


class WxJava(Sdk):
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

    def environment(self, sandbox, _scratch):
        return {"HTTPS_PROXY": sandbox.base_url}


SDKS = [Wechatpy(), Silenceper(), Easywechat(), WxJava()]
