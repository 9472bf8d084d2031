"""The SDKs of other projects: how each is installed, started, and led to the simulator."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / "target/interop"


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


def version(sdk):
    """The version of the SDK, which is written in the file that pins it."""
    name, pattern = sdk.pin
    return re.search(pattern, (HERE / name).read_text())[1]
