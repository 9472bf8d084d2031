"""Builds the files of a release in target/dist, and checks them.

    python3 tools/dist.py              archives and wheels for every target, and the packages of
                                       dist_packages.py
    python3 tools/dist.py --only NAME  those that match: x86_64-linux-gnu, sdist, 'archive|java'
    python3 tools/dist.py --check      checks the files that exist, and runs those it can run here

A file whose tools are not installed is skipped; with CI=true that is a failure at the end
(tools/need.sh).
"""

import argparse
import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import dist_packages
import sbom
from dist_common import (
    DIST,
    ROOT,
    VENV,
    VERSION,
    WORK,
    ReleaseError,
    expect,
    failed_skips,
    pack,
    run,
    skip,
)

LIBRARIES = WORK / "libraries"
GLIBC = (2, 17)
# The libraries of the system that ours may need. All belong to glibc.
SYSTEM = r"lib(c|m|dl|rt|pthread)\.so\.\d|ld-linux[-\w]*\.so\.\d"
# The same for Windows. Names may be in capitals.
SYSTEM_DLLS = (
    r"api-ms-win-\S+|(advapi32|bcrypt(primitives)?|n?crypt(32)?|kernel32|msvcrt|ntdll|secur32"
    r"|userenv|ws2_32)\.dll"
)
# The free-threaded Python that gets a wheel.
FREE_THREADED = "python3.14t"
# The names of Windows' architectures for llvm-dlltool.
WINDOWS_MACHINES = {"i686": "i386", "x86_64": "i386:x86-64"}
# The source packages for Python, and the folders of their pyproject.toml.
SDISTS = {"wxlink": "python", "wxlink_sandbox": "crates/sandbox"}


@dataclass
class Target:
    """A platform, and the environment to build for it."""

    triple: str

    @property
    def arch(self):
        return self.triple.split("-")[0]

    @property
    def musl(self):
        return self.triple.endswith("musl")

    @property
    def name(self):
        return self.triple.replace("-unknown", "").replace("-pc", "")

    @property
    def floor(self):
        """The oldest supported glibc, as cargo-zigbuild expects it after the triple."""
        return f".{GLIBC[0]}.{GLIBC[1]}" if self.name.endswith("linux-gnu") else ""

    @property
    def here(self):
        """Whether this machine can run programs of this platform."""
        return sys.platform == "linux" and platform.machine() == self.arch

    @property
    def env(self):
        home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
        # No path of this machine is in what is built, as in `make build`.
        flags = f"--remap-path-prefix={ROOT}=/wxlink --remap-path-prefix={home}=/cargo"
        return os.environ | {
            "PATH": f"{VENV}/bin:{os.environ['PATH']}",
            "CARGO_TARGET_DIR": str(WORK),
            "RUSTFLAGS": f"{os.environ.get('RUSTFLAGS', '')} {flags}".strip(),
        }


def has_std(triple):
    """Whether the Rust standard library for a target is installed, if need be by rustup."""

    def is_installed():
        folder = run("rustc", "--print", "target-libdir", "--target", triple).strip()
        return any(Path(folder).glob("libstd-*.rlib"))

    if not is_installed() and shutil.which("rustup"):
        subprocess.run(["rustup", "target", "add", triple])
    return is_installed()


def mingw(arch):
    """The C compiler and linker for Windows."""
    return f"{arch}-w64-mingw32-gcc"


def zig(*args):
    """A command of zig, which is installed as a Python module."""
    return [VENV / "bin/python", "-m", "ziglang", *args]


def strip_for(target):
    candidates = ["strip"] if target.here else []
    candidates += [f"{target.arch}-linux-gnu-strip", "llvm-strip"]
    return next((c for c in candidates if shutil.which(c)), None)


def staged(target):
    """Creates an empty folder, which becomes the archive."""
    folder = WORK / "stage" / f"wxlink-{VERSION}-{target.name}"
    shutil.rmtree(folder.parent, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def build(target, cargo, verb, triple, crate_types):
    """Builds the command and the libraries, in the two steps of `make build`.

    Returns the folders of the command and of the libraries.
    """
    common = ["--locked", "--release", "--target", triple]
    run(
        cargo, verb, *common, "--package", "wxlink-cli", "--bin", "wxlink",
        cwd=ROOT, env=target.env,
    )  # fmt: skip
    run(
        cargo, "rustc", *common, "--package", "wxlink", "--lib", "--crate-type", crate_types,
        "--target-dir", LIBRARIES, cwd=ROOT, env=target.env,
    )  # fmt: skip
    return [folder / target.triple / "release" for folder in (WORK, LIBRARIES)]


def make_archive(target):
    crate_types = "staticlib" if target.musl else "cdylib,staticlib"
    command, libraries = build(
        target, VENV / "bin/cargo-zigbuild", "zigbuild", target.triple + target.floor, crate_types
    )
    built = WORK / "built"
    shutil.rmtree(built, ignore_errors=True)
    built.mkdir(parents=True)
    shutil.copy(command / "wxlink", built)
    shutil.copy(libraries / "libwxlink.a", built)
    if not target.musl:
        shutil.copy(libraries / "libwxlink.so", built)
    folder = staged(target)
    strip = strip_for(target)
    if not strip:
        print(f"{target.name}: no strip is installed; libwxlink.a keeps its debugging sections")
    settings = {
        "PREFIX": f"/{folder.name}",
        "DESTDIR": str(folder.parent),
        "LIBDIR": "",
        "FROM": str(built),
        "COMMAND": str(built_here() / "wxlink"),
        "STRIP": strip or "no-strip",
        "RELOCATABLE": "yes",
    }
    if target.musl:
        # The library that unwinds the stack depends on the compiler: see docs/installing.md.
        settings["STATIC_LIBS"] = ""
    run(ROOT / "tools/install.sh", env=os.environ | settings)
    describe(folder / "share/doc/wxlink", target, "wxlink", "wxlink-cli")
    pack(folder, DIST / f"{folder.name}.tar.gz")


def make_windows_archive(target):
    """Without pkg-config files: on Windows a DLL lies beside the program.

    Not built with zig, which would export every symbol.
    """
    command, libraries = build(target, "cargo", "build", target.triple, "cdylib")
    folder = staged(target)
    for source, place in [
        (libraries / "wxlink.dll", "bin"),
        (command / "wxlink.exe", "bin"),
        (ROOT / "include/wxlink.h", "include"),
        (ROOT / "include/wxlink.hpp", "include"),
        (ROOT / "LICENSE-MIT", "doc"),
        (ROOT / "LICENSE-APACHE", "doc"),
    ]:
        (folder / place).mkdir(exist_ok=True)
        shutil.copy(source, folder / place)
    make_import_libraries(target.arch, folder / "lib")
    describe(folder / "doc", target, "wxlink", "wxlink-cli")
    pack(folder, DIST / f"{folder.name}.tar.gz")


def make_import_libraries(arch, folder):
    """Makes what programs link with: a library for MinGW and one for MSVC.

    Both have the same content. The linker's own import library does not know that the functions for
    Visual Basic are stdcall.
    """
    folder.mkdir()
    functions = promised_for_windows().items()
    names = [name + linker_suffix(arch, prototype) for name, prototype in functions]
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        definition = Path(scratch) / "wxlink.def"
        definition.write_text("\n".join(["LIBRARY wxlink.dll", "EXPORTS", *sorted(names), ""]))
        msvc = folder / "wxlink.lib"
        # -k: the DLL's names have no such suffix.
        run(*zig("dlltool"), "-k", "-m", WINDOWS_MACHINES[arch], "-d", definition, "-l", msvc)
    shutil.copy(msvc, folder / "libwxlink.dll.a")


def linker_suffix(arch, prototype):
    """What the linker's name of a stdcall function ends with: the size of its parameters."""
    if arch != "i686" or "__stdcall" not in prototype:
        return ""
    return f"@{4 * len(prototype.split(','))}"


def describe(folder, target, *packages):
    """Writes the bill of materials and the licences of what is linked in."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sbom.cdx.json").write_text(
        json.dumps(sbom.bill(target.triple, *packages), indent=2) + "\n"
    )
    (folder / "THIRD-PARTY.txt").write_text(sbom.licences(target.triple, *packages))


def make_wheel(target, where, *more):
    env = target.env
    if target.musl and where == "python":
        # A Python module is loaded dynamically; the default of the musl targets is static.
        env["RUSTFLAGS"] += " -Ctarget-feature=-crt-static"
    tag = "musllinux_1_2" if target.musl else "manylinux2014"
    out = WORK / "wheels"
    shutil.rmtree(out, ignore_errors=True)
    run(
        VENV / "bin/maturin", "build", "--locked", "--release", "--zig", "--target", target.triple,
        "--compatibility", tag, "--out", out, *more,
        cwd=ROOT / {"python": "python", "sandbox": "crates/sandbox"}[where], env=env,
    )  # fmt: skip
    papers = WORK / "papers"
    describe(papers, target, {"python": "wxlink-python", "sandbox": "wxlink-sandbox"}[where])
    for licence in ROOT.glob("LICENSE-*"):
        shutil.copy(licence, papers)
    for wheel in out.iterdir():
        add_papers(wheel, papers, DIST / wheel.name)


def make_addon(target):
    """The native part of the Node package, which dist_packages.py packs."""
    run(
        VENV / "bin/cargo-zigbuild", "zigbuild", "--locked", "--release",
        "--package", "wxlink-node", "--target", target.triple + target.floor,
        cwd=ROOT, env=target.env,
    )  # fmt: skip
    folder = dist_packages.addon_folder(target.triple)
    shutil.rmtree(folder, ignore_errors=True)
    describe(folder, target, "wxlink-node")
    made = WORK / target.triple / "release/libwxlink_node.so"
    shutil.copy(made, folder / "wxlink.node")


def add_papers(wheel, papers, to):
    """Copies a wheel and adds its bill of materials and licences.

    They replace maturin's bill of materials, which contains paths and build tools.
    """
    licences = "-".join(wheel.name.split("-")[:2]) + ".dist-info/licenses/"
    with zipfile.ZipFile(wheel) as given, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as made:
        *entries, record = (e for e in given.infolist() if "/sboms/" not in e.filename)
        expect(record.filename.endswith("/RECORD"), f"{wheel.name}: RECORD is not last")
        *rows, itself = (r for r in given.read(record).decode().splitlines() if "/sboms/" not in r)
        for entry in entries:
            made.writestr(entry, given.read(entry))
        present = {entry.filename for entry in entries}
        for paper in sorted(papers.iterdir()):
            if licences + paper.name in present:
                continue
            text = paper.read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
            rows.append(f"{licences}{paper.name},sha256={digest},{len(text)}")
            made.writestr(zipfile.ZipInfo(licences + paper.name), text, zipfile.ZIP_DEFLATED)
        made.writestr(record, "\n".join([*rows, itself, ""]))


# The checks


def readelf(*args):
    return run("readelf", "--wide", *args, env=os.environ | {"LC_ALL": "C"})


def exported(library):
    table = readelf("--dyn-syms", library)
    rows = (line.split() for line in table.splitlines())
    return {
        r[7].split("@")[0]
        for r in rows
        if len(r) > 7 and r[4] in ("GLOBAL", "WEAK") and r[6] != "UND"
    }


def check_elf(library, name, musl=False):
    """Checks which libraries a file needs, and that it contains no path of this machine."""
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", readelf("--version-info", library))
    highest = max(((int(a), int(b)) for a, b in versions), default=(0, 0))
    expect(highest <= GLIBC, f"{name} needs glibc {highest}")
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", library))
    allowed = r"libc\.so|libc\.musl-\w+\.so\.1" if musl else SYSTEM
    expect(all(re.fullmatch(allowed, n) for n in needed), f"{name} needs {needed}")
    for place in {str(ROOT), str(Path.home())} - {"/"}:
        expect(
            place.encode() + b"/" not in library.read_bytes(), f"{name} contains the path {place}"
        )
    return "no glibc" if highest == (0, 0) else f"glibc {highest[0]}.{highest[1]}"


def promised(kind="symbols"):
    """The functions that the library exports everywhere: a dictionary of names and prototypes."""
    minor = VERSION.rsplit(".", 1)[0]
    lines = (ROOT / f"abi/{minor}.{kind}").read_text().splitlines()
    return {re.search(r"(wx_\w+)\(", line)[1]: line for line in lines}


def promised_for_windows():
    return promised() | promised("windows.symbols")


def size(path):
    return f"{path.stat().st_size / 1e6:.2f} MB"


def clean_env(**more):
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"} | more


def link_by(command, env):
    """Runs a link sample, or the command, against the simulator."""
    token = {"WXLINK_ACCESS_TOKEN": "SANDBOX-TOKEN"}
    output = run(sys.executable, ROOT / "tools/with_sandbox.py", *command, env=env | token)
    expect("The invitation is out." in output, f"{command}: {output}")


def built_here():
    folder = ROOT / "target/release"
    for program in ["wxlink", "wxlink-sandbox"]:
        expect((folder / program).exists(), f"no {program}: run make build first")
    return folder


def check_papers(doc, name):
    for text in ["LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.txt"]:
        expect((doc / text).stat().st_size > 1000, f"{name}: {text}")
    parts = {c["name"] for c in json.loads((doc / "sbom.cdx.json").read_text())["components"]}
    expect({"rustls", "ring", "rust-std"} <= parts, f"{name}: sbom.cdx.json")
    expect("cbindgen" not in parts, f"{name}: a build tool is in sbom.cdx.json")


def check_archive(archive):
    name = archive.name.removesuffix(".tar.gz")
    arch, kind = name.split("-")[-3], name.split("-")[-1]
    here = sys.platform == "linux" and platform.machine() == arch
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        folder = Path(scratch) / name
        check_papers(folder / "share/doc/wxlink", archive.name)
        facts = [size(archive)]
        library = folder / "lib/libwxlink.so"
        if kind == "gnu":
            facts += [f".so {size(library.resolve())}", check_elf(library.resolve(), archive.name)]
            expect(
                exported(library) == set(promised()), f"{archive.name} exports {exported(library)}"
            )
            expect("[libwxlink.so.1]" in readelf("--dynamic", library), f"{archive.name}: SONAME")
        facts.append(f".a {size(folder / 'lib/libwxlink.a')}")
        runner = runs(folder, arch, kind, here)
        facts += check_command(folder, archive.name, kind, runner)
        facts.append(try_archive(folder, arch, kind, here, runner))
        print(f"ok  \t{archive.name}: {', '.join(facts)}", flush=True)


def runs(folder, arch, kind, here):
    """The command that runs a program of the archive; None if this machine cannot run it."""
    if here:
        return []
    emulator = shutil.which(f"qemu-{arch}-static") or shutil.which(f"qemu-{arch}")
    system = Path(f"/usr/{arch}-linux-gnu")
    if not emulator or (kind == "gnu" and not (system / "lib").exists()):
        return None
    return [emulator, "-L", system, "-E", f"LD_LIBRARY_PATH={folder / 'lib'}"]


def try_archive(folder, arch, kind, here, runner):
    """Builds a program from nothing but the unpacked archive, and runs it."""
    source = folder / "link.c"
    shutil.copy(ROOT / "bindings/c/link.c", source)
    program = folder / "link"
    env = clean_env(PKG_CONFIG_PATH=str(folder / "lib/pkgconfig"))
    if kind == "gnu" and here:
        if not shutil.which("pkg-config"):
            skip(f"a program with {folder.name}", "pkg-config")
            return "not tried"
        flags = run("pkg-config", "--cflags", "--libs", "wxlink", env=env).split()
        run("cc", source, *flags, "-o", program, env=env)
        env["LD_LIBRARY_PATH"] = str(folder / "lib")
    else:
        floor, libraries = f".{GLIBC[0]}.{GLIBC[1]}", ["-lwxlink"]
        if kind == "musl":
            floor = ""
            libraries = [folder / "lib/libwxlink.a", "-lunwind", "-static", "-Wl,--gc-sections"]
        include, lib = f"-I{folder / 'include'}", f"-L{folder / 'lib'}"
        compiler = zig("cc", "-target", f"{arch}-linux-{kind}{floor}")
        cache = {
            "ZIG_GLOBAL_CACHE_DIR": str(WORK / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(WORK / "zig"),
        }
        run(
            *compiler, "-O1", "-s", source, include, lib, *libraries, "-o", program, env=env | cache
        )
    if runner is None:
        skip(f"running the programs of {folder.name}", f"qemu-{arch} with a glibc")
        return "a program links"
    link_by(
        [*runner, program, "wx0b00000000000001", "0", "1"],
        env | {"WXLINK_LIB_DIR": str(built_here())},
    )
    return f"a program of {size(program)} runs"


def check_command(folder, name, kind, runner):
    """Checks that the command has its pages and completions, and that it links a mini program."""
    program = folder / "bin/wxlink"
    facts = [f"command {size(program)}", check_elf(program, f"{name}: bin/wxlink", kind == "musl")]
    if kind == "musl":
        expect(
            "INTERP" not in readelf("--program-headers", program),
            f"{name}: bin/wxlink needs a loader",
        )
        expect(
            "(NEEDED)" not in readelf("--dynamic", program), f"{name}: bin/wxlink needs libraries"
        )
        facts[-1] = "static"
    for page in ["man/man1/wxlink-link.1", "bash-completion/completions/wxlink"]:
        expect((folder / "share" / page).stat().st_size > 1000, f"{name}: {page}")
    if runner is not None:
        try_command([*runner, program], clean_env(WXLINK_LIB_DIR=str(built_here())))
    return facts


def try_command(command, env):
    """Checks that the command runs without anything else of the archive."""
    for words, expected in [
        (["--version"], f"wxlink {VERSION}"),
        (["explain", "89010"], "89010"),
        (["bulk", "--help"], "Usage: wxlink bulk"),
        (["sandbox", "--help"], "wxlink-sandbox"),
    ]:
        output = run(*command, *words, env=env)
        expect(expected in output, f"{words}: {output}")
    words = ["link", "wx0b00000000000001", "--notify-users", "no", "--show-profile", "yes"]
    link_by([*command, *words], env)


def tables_of(binary):
    """The DLLs that a file for Windows needs, and the names that it exports."""
    tables = run("objdump", "-p", binary, env=os.environ | {"LC_ALL": "C"})
    _, _, exports = tables.partition("[Ordinal/Name Pointer] Table")
    names = set(re.findall(r"^\s+\[\s*\d+\].*\s(\S+)$", exports, re.M))
    return re.findall(r"DLL Name: (\S+)", tables), names


def check_dlls(needed, name):
    foreign = [dll for dll in needed if not re.fullmatch(SYSTEM_DLLS, dll, re.IGNORECASE)]
    expect(not foreign, f"{name} needs {foreign}")


def check_windows_archive(archive):
    name = archive.name.removesuffix(".tar.gz")
    arch = name.split("-")[-3]
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        folder = Path(scratch) / name
        check_papers(folder / "doc", archive.name)
        dll, command = folder / "bin/wxlink.dll", folder / "bin/wxlink.exe"
        needed, names = tables_of(dll)
        expect(names == set(promised_for_windows()), f"{archive.name} exports {names}")
        check_dlls(needed + tables_of(command)[0], archive.name)
        tried = "not tried"
        if shutil.which(mingw(arch)):
            source, output = ROOT / "bindings/c/link.c", folder / "link.exe"
            for library in ["libwxlink.dll.a", "wxlink.lib"]:
                include, library = f"-I{folder / 'include'}", folder / "lib" / library
                run(mingw(arch), source, include, library, "-o", output, env=clean_env())
            tried = "a program links"
        else:
            skip(f"a program with {archive.name}", mingw(arch))
        facts = [size(archive), f".dll {size(dll)}", f"command {size(command)}", tried]
        print(f"ok  \t{archive.name}: {', '.join(facts)}", flush=True)


def check_addons(package):
    """Checks the native parts of the Node package; tests/packages/run.py runs them."""
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        with tarfile.open(package) as tar:
            tar.extractall(scratch, filter="data")
        folder = Path(scratch) / "package"
        about = json.loads((folder / "package.json").read_text())
        expect(about["version"] == VERSION, f"{package.name}: its version")
        stated = {f"{system}-{cpu}" for system in about["os"] for cpu in about["cpu"]}
        expect(stated == set(dist_packages.ADDONS.values()), f"{package.name} states {stated}")
        facts = [size(package)]
        for addon in sorted(folder.glob("prebuilds/*/wxlink.node")):
            where = addon.parent.name
            name = f"{package.name}: {where}"
            for licence in folder.glob("LICENSE-*"):
                shutil.copy(licence, addon.parent)
            check_papers(addon.parent, name)
            exports = exported(addon)
            facts.append(f"{where} {size(addon)}, {check_elf(addon, name)}")
            expect("napi_register_module_v1" in exports, f"{name} exports {exports}")
            foreign = [name for name in exports if not name.startswith("napi_register_")]
            expect(not foreign, f"{name} exports {foreign}")
        print(f"ok  \t{package.name}: {', '.join(facts)}", flush=True)


def check_wheel(wheel):
    name, version, python, abi, where = wheel.stem.split("-")
    expect(version == VERSION, f"{wheel.name}: its version")
    musl = "musllinux" in where
    expect(musl or "manylinux2014" in where, f"{wheel.name}: its platform")
    if name == "wxlink":
        expect((python, abi) == ("cp310", "abi3") or abi.endswith("t"), f"{wheel.name}: its tag")
    facts = [size(wheel)]
    with zipfile.ZipFile(wheel) as packed, tempfile.TemporaryDirectory() as scratch:
        binaries = [n for n in packed.namelist() if n.endswith(".so") or "/scripts/" in n]
        expect(len(binaries) == 1, f"{wheel.name}: {binaries}")
        packed.extractall(scratch)
        check_papers(Path(scratch) / f"{name}-{version}.dist-info/licenses", wheel.name)
        binary = Path(scratch) / binaries[0]
        facts.append(check_elf(binary, wheel.name, musl))
        if name == "wxlink":
            expect(exported(binary) == {"PyInit__core"}, f"{wheel.name} exports {exported(binary)}")
            expect(
                any(n.endswith("py.typed") for n in packed.namelist()), f"{wheel.name}: py.typed"
            )
        facts.append(f"within {size(binary)}")
    print(f"ok  \t{wheel.name}: {', '.join(facts)}", flush=True)


def try_wheels(python, tag):
    """Installs the module and the simulator in a clean environment and runs a sample."""
    what = f"the {tag} wheel in a clean environment"
    here = f"*manylinux2014_{platform.machine()}*.whl"
    ours = [*DIST.glob(f"wxlink-*-{tag}-{here}"), *DIST.glob(f"wxlink_sandbox-{here}")]
    if len(ours) < 2:
        skip(what, "a wheel for this machine")
        return
    if not python:
        skip(what, FREE_THREADED)
        return
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        venv = Path(scratch) / "venv"
        run(python, "-m", "venv", venv)
        run(venv / "bin/pip", "install", "--no-index", "--disable-pip-version-check", *ours)
        script = ROOT / "python/samples/link.py"
        env = clean_env(WXLINK_LIB_DIR=str(venv / "bin"))
        # -I keeps the samples' folder off the module path: a sample may have the name of a module.
        link_by([venv / "bin/python", "-I", script, "wx0b00000000000001", "0", "1"], env)
        try_command([venv / "bin/wxlink"], env)
    print(f"ok  \t{what}", flush=True)


def try_sdist(sdist):
    """Builds a wheel from the sdist, as pip does for a user: without the checkout and its tools."""
    with tempfile.TemporaryDirectory(prefix="wxlink-") as scratch:
        venv = Path(scratch) / "venv"
        run(sys.executable, "-m", "venv", venv)
        # The profile of tests, which compiles in a tenth of the time.
        env = os.environ | {
            "CARGO_TARGET_DIR": str(WORK / "sdist"),
            "MATURIN_PEP517_ARGS": "--profile=dev",
        }
        run(
            venv / "bin/pip", "wheel", "--disable-pip-version-check", "--no-cache-dir", "--no-deps",
            "--wheel-dir", scratch, sdist, cwd=scratch, env=env,
        )  # fmt: skip
        [wheel] = Path(scratch).glob("*.whl")
        run(venv / "bin/pip", "install", "--no-index", "--disable-pip-version-check", wheel)
        program = {"wxlink": "wxlink", "wxlink_sandbox": "wxlink-sandbox"}[wheel.name.split("-")[0]]
        output = run(venv / "bin" / program, "--version", env=clean_env())
        expect(output == f"{program} {VERSION}\n", f"{sdist.name}: {output}")
    print(f"ok  \t{sdist.name}: {size(sdist)}, a wheel can be built from it", flush=True)


def check_descriptions():
    """Checks what the package index would refuse: the metadata of wheels and sdists."""
    files = [*DIST.glob("*.whl"), *sdists()]
    if files:
        run(VENV / "bin/twine", "check", "--strict", *files)
        print(f"ok  \tthe metadata of {len(files)} wheels and sdists", flush=True)


def sdists():
    files = [DIST / f"{name}-{VERSION}.tar.gz" for name in SDISTS]
    return [file for file in files if file.exists()]


def check(everything):
    for archive in sorted(DIST.glob("wxlink-*-linux-*.tar.gz")):
        check_archive(archive)
    for archive in sorted(DIST.glob("wxlink-*-windows-*.tar.gz")):
        check_windows_archive(archive)
    for wheel in sorted(DIST.glob("*.whl")):
        check_wheel(wheel)
    if everything:
        try_wheels(sys.executable, "abi3")
        try_wheels(shutil.which(FREE_THREADED), "cp314t")
    for sdist in sdists():
        try_sdist(sdist)
    check_descriptions()
    for package in DIST.glob(f"wxlink-{VERSION}.tgz"):
        check_addons(package)
    dist_packages.check()


def get_tools():
    if not (VENV / "bin/pip").exists():
        run(sys.executable, "-m", "venv", VENV)
    run(VENV / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r",
        ROOT / "tools/dist-requirements.txt")  # fmt: skip


def jobs():
    """The files to build: name, target, and the function that builds it."""
    platforms = [(arch, libc) for libc in ("gnu", "musl") for arch in ("x86_64", "aarch64")]
    for triple in [f"{arch}-unknown-linux-{libc}" for arch, libc in platforms]:
        name = triple.replace("-unknown", "")
        yield f"archive {name}", triple, make_archive
        yield f"module wheel {name}", triple, lambda t: make_wheel(t, "python")
        yield (
            f"free-threaded wheel {name}",
            triple,
            lambda t: make_wheel(t, "python", "--interpreter", FREE_THREADED),
        )
        yield f"sandbox wheel {name}", triple, lambda t: make_wheel(t, "sandbox")
    for arch in WINDOWS_MACHINES:
        yield f"archive {arch}-windows-gnu", f"{arch}-pc-windows-gnu", make_windows_archive
    for triple, folder in dist_packages.ADDONS.items():
        yield f"node addon {folder}", triple, make_addon


def make(only):
    for name, triple, how in jobs():
        if not re.search(only, name):
            continue
        if not has_std(triple):
            skip(name, f"the Rust standard library for {triple}")
            continue
        if "windows" in triple and not shutil.which(mingw(triple.split("-")[0])):
            skip(name, mingw(triple.split("-")[0]))
            continue
        print(f"making {name}", flush=True)
        how(Target(triple))
    if re.search(only, "sdist"):
        print("making sdist", flush=True)
        for folder in SDISTS.values():
            run(VENV / "bin/maturin", "sdist", "--out", DIST, cwd=ROOT / folder)
    dist_packages.make(only)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    DIST.mkdir(parents=True, exist_ok=True)
    get_tools()
    if not args.check:
        make(args.only)
    check(everything=not args.only)
    if failed_skips:
        sys.exit(f"dist: skipped: {', '.join(failed_skips)}")


if __name__ == "__main__":
    try:
        main()
    except (ReleaseError, OSError, subprocess.SubprocessError) as e:
        sys.exit(f"dist: {e}")
