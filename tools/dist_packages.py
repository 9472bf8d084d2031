"""Makes and checks the packages of a release that are built from sources, or from its archives.

Java's jar contains the native libraries of the archives in target/dist, and Node's package the
addons that dist.py built. The packages of PHP, Go, C#, COBOL, Pascal and PostgreSQL are sources,
for which an archive has the library; C#'s has the compiled assembly, too. A crate is what cargo
publishes.
tests/packages/run.py installs and runs all of them.
"""

import json
import os
import re
import shutil
import tarfile
import time
import xml.etree.ElementTree as ET
import zipfile

import sbom
from dist_common import (
    DIST,
    ROOT,
    VERSION,
    WORK,
    commit_time,
    expect,
    pack,
    run,
    skip,
    skip_because,
)

# The archives whose library the jar contains: the folder that JNA reads on that platform, the file
# in the archive, and the target of Rust.
NATIVES = {
    "x86_64-linux-gnu": ("linux-x86-64", "lib/libwxlink.so", "x86_64-unknown-linux-gnu"),
    "aarch64-linux-gnu": ("linux-aarch64", "lib/libwxlink.so", "aarch64-unknown-linux-gnu"),
    "x86_64-windows-gnu": ("win32-x86-64", "bin/wxlink.dll", "x86_64-pc-windows-gnu"),
    "i686-windows-gnu": ("win32-x86", "bin/wxlink.dll", "i686-pc-windows-gnu"),
}
# The targets that Node's package contains an addon for, and their folders in `prebuilds`.
ADDONS = {
    "x86_64-unknown-linux-gnu": "linux-x64",
    "aarch64-unknown-linux-gnu": "linux-arm64",
}
MODULE = "wxlink.dev/go/wxlink"
# What is packed for a language or host that has no package manager.
SOURCES = {
    "cobol": ["*.cob", "*.cpy", "samples/*"],
    "pascal": ["*.pas", "*.inc", "samples/*"],
    "postgresql": ["Makefile", "*.c", "*.h", "*.control", "*.sql", "samples/*"],
}
# Java 8.
CLASS_VERSION = 52


def read_member(archive, path):
    """A file of an archive in target/dist, through its links."""
    with tarfile.open(archive) as tar:
        folder = archive.name.removesuffix(".tar.gz")
        return tar.extractfile(f"{folder}/{path}").read()


def natives():
    """The folder in the jar, the file's name, its bytes and its target, for each archive."""
    for name, (folder, path, triple) in NATIVES.items():
        archive = DIST / f"wxlink-{VERSION}-{name}.tar.gz"
        if archive.exists():
            yield folder, path.split("/")[-1], read_member(archive, path), triple


def make_java():
    if not shutil.which("mvn"):
        skip("Java", "mvn")
        return
    found = list(natives())
    if not found:
        skip_because("Java", "no archive with a library is in target/dist")
        return
    work = WORK / "java"
    shutil.rmtree(work, ignore_errors=True)
    for folder, name, library, triple in found:
        place = work / "natives" / folder
        papers = work / "natives/META-INF/wxlink" / folder
        for made in (place, papers):
            made.mkdir(parents=True)
        (place / name).write_bytes(library)
        bill = json.dumps(sbom.bill(triple, "wxlink"), indent=2)
        (papers / "sbom.cdx.json").write_text(bill + "\n")
        (papers / "THIRD-PARTY.txt").write_text(sbom.licences(triple, "wxlink"))
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(commit_time()))
    run(
        "mvn", "--batch-mode", "--quiet", "--file", ROOT / "bindings/java", "package",
        "-Dmaven.test.skip=true", f"-Dwxlink.natives={work / 'natives'}",
        f"-Dwxlink.target={work / 'target'}", f"-Dproject.build.outputTimestamp={when}",
    )  # fmt: skip
    for kind in ("", "-sources", "-javadoc"):
        shutil.copy(work / f"target/wxlink-{VERSION}{kind}.jar", DIST)
    shutil.copy(ROOT / "bindings/java/pom.xml", DIST / f"wxlink-{VERSION}.pom")


def check_java():
    jar = DIST / f"wxlink-{VERSION}.jar"
    pom = ET.parse(DIST / f"wxlink-{VERSION}.pom")
    written = pom.find("{http://maven.apache.org/POM/4.0.0}version").text
    expect(written == VERSION, f"{jar.name}: its pom has the version {written}")
    found = list(natives())
    with zipfile.ZipFile(jar) as packed:
        names = packed.namelist()
        for folder, name, library, _ in found:
            inside = f"{folder}/{name}"
            is_same = inside in names and packed.read(inside) == library
            expect(is_same, f"{jar.name}: {inside} is not the archive's; make dist ONLY=java")
            for paper in ("sbom.cdx.json", "THIRD-PARTY.txt"):
                expect(f"META-INF/wxlink/{folder}/{paper}" in names, f"{jar.name}: {paper}")
        libraries = [n for n in names if n.endswith((".so", ".dll"))]
        expect(len(libraries) == len(found), f"{jar.name}: {libraries}")
        for licence in ("LICENSE-MIT", "LICENSE-APACHE"):
            expect(f"META-INF/{licence}" in names, f"{jar.name}: {licence}")
        classes = [n for n in names if n.endswith(".class")]
        expect("wxlink/Client.class" in classes, f"{jar.name}: {classes}")
        for name in classes:
            version = int.from_bytes(packed.read(name)[6:8], "big")
            expect(version == CLASS_VERSION, f"{jar.name}: {name} has the version {version}")
    for kind, inside in [("sources", "wxlink/Client.java"), ("javadoc", "wxlink/Client.html")]:
        with zipfile.ZipFile(DIST / f"wxlink-{VERSION}-{kind}.jar") as packed:
            expect(inside in packed.namelist(), f"wxlink-{VERSION}-{kind}.jar: {inside}")
    platforms = ", ".join(folder for folder, *_ in found)
    print(f"ok  \t{jar.name}: {platforms}; with sources, Javadoc and a pom", flush=True)


def tracked(folder, *patterns):
    """The tracked files of a folder, relative to it; a pattern selects some."""
    listed = run("git", "-C", ROOT / folder, "ls-files", "--", *(f":(glob){p}" for p in patterns))
    return sorted(listed.splitlines())


def copy_into(target, folder, names):
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / folder / name, target / name)


def stage(name):
    """Creates an empty folder, which becomes a package."""
    folder = WORK / "packages" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def zip_files(archive, files):
    """Writes a zip from names and bytes. The same files and commit give the same bytes."""
    when = time.gmtime(commit_time())[:6]
    with zipfile.ZipFile(archive, "w") as packed:
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, when)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, data, zipfile.ZIP_DEFLATED)


def make_php():
    """A zip, which Composer installs as an artifact, or unpacked from a path.

    It has the header beside the code, and the version, which a checkout's composer.json leaves to
    the tag.
    """
    folder = f"wxlink-{VERSION}-php"
    names = tracked("bindings/php", "wxlink.php", "constants.php", "samples/*")
    files = {f"{folder}/{name}": (ROOT / "bindings/php" / name).read_bytes() for name in names}
    about = json.loads((ROOT / "bindings/php/composer.json").read_text())
    about = {"name": about.pop("name"), "version": VERSION} | about
    files[f"{folder}/composer.json"] = (json.dumps(about, indent=4) + "\n").encode()
    for name in ("include/wxlink.h", "LICENSE-MIT", "LICENSE-APACHE"):
        files[f"{folder}/{name.split('/')[-1]}"] = (ROOT / name).read_bytes()
    zip_files(DIST / f"{folder}.zip", files)


def make_go():
    """The folder of a module proxy: GOPROXY=file://… serves the module from it.

    The zip is the one that go would make of the tagged commit, so that its checksum is the same.
    """
    names = tracked("bindings/go")
    inner = {name.removesuffix("go.mod") for name in names if name.endswith("/go.mod")}
    names = [name for name in names if not name.startswith(tuple(inner) or ("\0",))]
    folder = stage(f"wxlink-{VERSION}-go")
    place = folder / MODULE / "@v"
    place.mkdir(parents=True)
    version = f"v{VERSION}"
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(commit_time()))
    (place / "list").write_text(version + "\n")
    (place / f"{version}.info").write_text(json.dumps({"Version": version, "Time": when}) + "\n")
    shutil.copy(ROOT / "bindings/go/go.mod", place / f"{version}.mod")
    files = {f"{MODULE}@{version}/{n}": (ROOT / "bindings/go" / n).read_bytes() for n in names}
    zip_files(place / f"{version}.zip", files)
    pack(folder, DIST / f"{folder.name}.tar.gz")


def addon_folder(triple):
    """The addon of a target with its bill of materials and licences, as the package has them."""
    return WORK / "addons" / ADDONS[triple]


def make_node():
    if not shutil.which("npm"):
        skip("Node", "npm")
        return
    addons = [addon_folder(triple) for triple in ADDONS]
    addons = [folder for folder in addons if (folder / "wxlink.node").exists()]
    if not addons:
        skip_because("Node", "no addon is built; make dist ONLY=node")
        return
    folder = stage("node")
    # npm selects what is packed, by "files" in package.json.
    copy_into(folder, "bindings/node", tracked("bindings/node"))
    copy_into(folder, ".", ["LICENSE-MIT", "LICENSE-APACHE"])
    for addon in addons:
        shutil.copytree(addon, folder / "prebuilds" / addon.name)
    # The script `prepack` is for a checkout.
    run("npm", "pack", "--ignore-scripts", "--pack-destination", DIST, cwd=folder)


# The compiler of the assembly. build.sh is sourced by the scripts of bindings/csharp.
BUILD_CSHARP = 'missing() { echo "$1 is not installed"; exit 1; }; . "$0"'


def make_csharp():
    """A zip of the assembly, its documentation, and the sources."""
    for tool in ("mcs", "mono"):
        if not shutil.which(tool):
            skip("C#", tool)
            return
    built = stage("csharp")
    script = ROOT / "bindings/csharp/build.sh"
    run(
        "sh", "-c", BUILD_CSHARP, script,
        env=os.environ | {"WXLINK_BUILD_DIR": str(built), "WXLINK_LIB_DIR": str(built)},
    )  # fmt: skip
    folder = f"wxlink-{VERSION}-csharp"
    names = tracked("bindings/csharp", "src/*", "samples/*")
    files = {f"{folder}/{name}": (ROOT / "bindings/csharp" / name).read_bytes() for name in names}
    for name in ("Wxlink.Net.dll", "Wxlink.Net.dll.config", "Wxlink.Net.xml"):
        files[f"{folder}/{name}"] = (built / name).read_bytes()
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        files[f"{folder}/{name}"] = (ROOT / name).read_bytes()
    zip_files(DIST / f"{folder}.zip", files)


def make_sources(language):
    folder = stage(f"wxlink-{VERSION}-{language}")
    copy_into(folder, f"bindings/{language}", tracked(f"bindings/{language}", *SOURCES[language]))
    copy_into(folder, ".", ["LICENSE-MIT", "LICENSE-APACHE"])
    pack(folder, DIST / f"{folder.name}.tar.gz")


def crates():
    """The crates that are published."""
    metadata = sbom.cargo("metadata", "--locked", "--no-deps", "--format-version", "1")
    packages = json.loads(metadata)["packages"]
    return sorted(p["name"] for p in packages if p["publish"] != [])


def make_crates():
    """Packs the crates. `make crates` also builds each from what is packed."""
    names = crates()
    chosen = [f"--package={name}" for name in names]
    folder = WORK / "crates"
    run(
        "cargo", "package", "--locked", "--allow-dirty", "--no-verify", "--target-dir", folder,
        *chosen, cwd=ROOT,
    )  # fmt: skip
    for name in names:
        shutil.copy(folder / f"package/{name}-{VERSION}.crate", DIST)


def jobs():
    """The packages that need no compiler for another platform: names, and what makes them."""
    yield "java", make_java
    yield "php", make_php
    yield "go", make_go
    yield "node", make_node
    yield "csharp", make_csharp
    yield "crates", make_crates
    for language in SOURCES:
        yield language, lambda language=language: make_sources(language)


def make(only):
    for name, how in jobs():
        if re.search(only, name):
            print(f"making {name}", flush=True)
            how()


def check():
    if (DIST / f"wxlink-{VERSION}.jar").exists():
        check_java()
