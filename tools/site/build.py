#!/usr/bin/env python3
"""Builds the site in target/site/html: the pages of both languages, the header and rustdoc.

build.sh runs it with the packages of requirements.txt. The pages are copied to target/site/pages,
one folder for each language, and MkDocs makes a site of each, which the theme can search in its
language. The addresses are those of the repository: docs/command.md is docs/command.html, and its
Chinese page is zh-CN/docs/command.html.

The pages are those of docs/, and every page and file that they link to. Other than a page, a file
is shown as code, and a folder as the list of its files. The navigation is that of docs/README.md.
"""

import json
import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

from check import Site

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target/site"
HTML = WORK / "html"
# Stands for the root of the site in links from one language to the other, and to rustdoc, which
# MkDocs does not know. `finish` replaces it.
SITE = "https://site.invalid/"
THIS_PAGE = "this-page/"
RUSTDOC = "rust/wxlink/index.html"
# rustdoc's pages of help and settings link to an index of all crates, which it does not write.
REDIRECT = '<!doctype html><title>wxlink</title><meta http-equiv="refresh" content="0; url={0}">'
EMPTY_SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"/>\n'
IMAGES = {".svg", ".png"}
# The word for the fence of a file that is shown as code, where it is not the file's suffix.
FENCES = {"": "text", ".h": "c", ".hpp": "cpp", ".rs": "rust", ".py": "python", ".pas": "pascal"}

LANGUAGES = {
    "en": {
        "name": "English",
        "prefix": "",
        "home": "README.md",
        "index": "docs/README.md",
        "reference": "Reference",
        "header": "The C header",
        "rustdoc": "The Rust API",
        "description": "Links WeChat mini programs to Official Accounts",
    },
    "zh": {
        "name": "中文",
        "prefix": "zh-CN/",
        "home": "README.zh-CN.md",
        "index": "docs/zh-CN/README.md",
        "reference": "参考",
        "header": "C 头文件",
        "rustdoc": "Rust 接口",
        "description": "把微信小程序关联到公众号",
    },
}


def repository_files():
    """The files of the repository, those that are not committed yet included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return sorted(name for name in names.split("\0") if name and (ROOT / name).is_file())


FILES = repository_files()
FOLDERS = {str(folder) for name in FILES for folder in PurePosixPath(name).parents} - {"."}


def place(name):
    """The language of a file or folder, and the name under which its copy is kept there."""
    if name == LANGUAGES["zh"]["home"]:
        return "zh", "README.md"
    if name.startswith("docs/zh-CN/"):
        language, copy = "zh", "docs/" + name.removeprefix("docs/zh-CN/")
    else:
        language, copy = "en", name
    suffix = PurePosixPath(name).suffix
    is_copied = suffix == ".md" or suffix in IMAGES
    return language, copy if is_copied else copy + ".md"


def address(name):
    """Where the site shows a file, from the site's root."""
    language, copy = place(name)
    path = PurePosixPath(copy)
    if path.suffix == ".md":
        path = path.with_name("index.html" if path.name == "README.md" else path.stem + ".html")
    return LANGUAGES[language]["prefix"] + str(path)


def resolved(page, path):
    """The file that a relative link of a page leads to; of a folder its README or a list."""
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
    if target in FOLDERS:
        target += "/README.md"
    elif target not in FILES:
        sys.exit(f"{page}: {path}: no such file")
    return target


FENCE = re.compile(r"^ *(```+|~~~+)")
# A code span, which is skipped, or the target of a link or picture.
LINK = re.compile(r"(`+)(?:(?!\1).)+\1|(\]\()([^)\s]+)", re.DOTALL)


def parts(text):
    """The text in parts: each with whether it is a fenced code block."""
    part, end = [], None
    for line in text.splitlines(keepends=True):
        fence = FENCE.match(line)
        if end is None and fence:
            yield "".join(part), False
            part, end = [line], fence[1]
        elif end is not None and fence and line.strip() == end:
            yield "".join([*part, line]), True
            part, end = [], None
        else:
            part.append(line)
    yield "".join(part), False


def page_links(text):
    """The targets of the links of a page."""
    for part, is_code in parts(text):
        if not is_code:
            yield from (match[3] for match in LINK.finditer(part) if match[3])


def is_relative(link):
    return not re.match(r"[a-z]+:|#|//", link)


def with_links(page, text, replace):
    """The text of a page with each relative link replaced by replace(file, fragment)."""

    def link(match):
        if match[3] is None or not is_relative(match[3]):
            return match[0]
        path, hash_sign, fragment = match[3].partition("#")
        return match[2] + replace(resolved(page, path)) + hash_sign + fragment

    return "".join(part if is_code else LINK.sub(link, part) for part, is_code in parts(text))


def text_of(name):
    """The page that shows a file: itself, or one made for a file of another kind or a folder."""
    path = ROOT / name
    if path.suffix == ".md" and path.is_file():
        return path.read_text("utf-8")
    head = "---\nsearch: {exclude: true}\n---\n\n"
    if path.suffix == ".md":
        folder = posixpath.dirname(name)
        names = [file.removeprefix(folder + "/") for file in FILES if file.startswith(folder + "/")]
        return f"{head}# {folder}\n\n" + "".join(f"- [{file}]({file})\n" for file in names)
    text = path.read_text("utf-8")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    word = FENCES.get(path.suffix, path.suffix[1:])
    return f"{head}# {name}\n\n{fence}{word}\n{text.rstrip()}\n{fence}\n"


def collect():
    """All files of the site: the pages of docs/, and what they link to."""
    found = {language["home"] for language in LANGUAGES.values()}
    found |= {name for name in FILES if name.startswith("docs/") and name.endswith(".md")}
    todo = sorted(found)
    while todo:
        page = todo.pop()
        if PurePosixPath(page).suffix in IMAGES:
            continue
        for link in page_links(text_of(page)):
            if is_relative(link):
                target = resolved(page, link.partition("#")[0])
                if target not in found:
                    found.add(target)
                    todo.append(target)
    return sorted(found)


def copy_pages(names):
    """Writes each language's copy of the pages, with links that lead to the copies."""
    for name in names:
        language, copy = place(name)

        def replace(target, language=language, copy=copy):
            other, other_copy = place(target)
            if other == language:
                return posixpath.relpath(other_copy, posixpath.dirname(copy) or ".")
            return SITE + address(target)

        path = WORK / "pages" / language / copy
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in IMAGES:
            shutil.copy(ROOT / name, path)
        else:
            path.write_text(with_links(name, text_of(name), replace), "utf-8")
    for language in LANGUAGES:
        assets = WORK / "pages" / language / "assets"
        assets.mkdir()
        shutil.copy(HERE / "iframe-worker.js", assets)
        shutil.copy(HERE / "site.css", assets)


def navigation(language):
    """The sections and pages of the index, and the reference of C and Rust."""
    texts = LANGUAGES[language]
    index = texts["index"]
    sections, seen = [], set()
    for line in (ROOT / index).read_text("utf-8").splitlines():
        if line.startswith("## "):
            sections.append({line.removeprefix("## ").strip(): []})
        for title, link in re.findall(r"\[([^]]+)\]\(([^)\s]+)\)", line) if sections else []:
            target = resolved(index, link)
            if target.endswith(".md") and target not in seen:
                seen.add(target)
                other, copy = place(target)
                entry = copy if other == language else SITE + address(target)
                (pages,) = sections[-1].values()
                pages.append({title: entry})
    reference = [
        {texts["header"]: SITE + address("include/wxlink.h")},
        {texts["rustdoc"]: SITE + RUSTDOC},
    ]
    title = re.search(r"^# (.+)$", (ROOT / index).read_text("utf-8"), re.MULTILINE)[1]
    start = [{"wxlink": "README.md"}, {title: "docs/README.md"}]
    return [*start, *sections, {texts["reference"]: reference}]


def run(*command, **environment):
    """Runs a command. Its output is shown if it fails."""
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(f"{result.stdout}\n{' '.join(command)}: exit code {result.returncode}")


def build(language):
    """Makes the HTML pages of a language. A warning of MkDocs is an error."""
    texts = LANGUAGES[language]
    config = {
        "INHERIT": str(HERE / "mkdocs.yml"),
        "site_description": texts["description"],
        "docs_dir": str(WORK / "pages" / language),
        "site_dir": str(HTML / texts["prefix"]),
        "theme": {"language": language},
        "nav": navigation(language),
        "extra": {
            "alternate": [
                {"name": other["name"], "link": SITE + THIS_PAGE + key, "lang": key}
                for key, other in LANGUAGES.items()
            ]
        },
    }
    file = WORK / f"mkdocs-{language}.yml"
    file.write_text(json.dumps(config, ensure_ascii=False, indent=1), "utf-8")
    # The theme warns of MkDocs 2, which requirements.txt does not install.
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--config-file"]
    # The splitter of Chinese words writes its cache to TMPDIR.
    settings = {"NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": "ignore", "TMPDIR": str(WORK)}
    run(*mkdocs, str(file), **settings)


def rustdoc():
    """Copies rustdoc's pages of the library, and of no crate that was documented before."""
    cargo = os.environ.get("CARGO", "cargo")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    run(cargo, "clean", "--quiet", "--doc")
    doc = [cargo, "doc", "--quiet", "--locked", "--package", "wxlink", "--no-deps"]
    run(*doc, RUSTDOCFLAGS="--deny warnings")
    shutil.copytree(target / "doc", HTML / "rust", ignore=shutil.ignore_patterns(".lock"))
    (HTML / "rust/index.html").write_text(REDIRECT.format("wxlink/index.html"), "utf-8")


def finish():
    """Makes the links between the languages relative, also those of the language menu."""
    # Addresses in it would be absolute, and the site may be put anywhere. The theme reads the file.
    for folder in (HTML, HTML / "zh-CN"):
        (folder / "sitemap.xml").write_text(EMPTY_SITEMAP, "utf-8")
        (folder / "sitemap.xml.gz").unlink(missing_ok=True)
    # A server has one page for what it does not find.
    (HTML / "zh-CN/404.html").unlink(missing_ok=True)
    pages = [path for path in HTML.rglob("*.html") if HTML / "rust" not in path.parents]
    for path in pages:
        page = path.relative_to(HTML).as_posix()
        own = page.removeprefix("zh-CN/")

        def relative(match, page=page, own=own):
            target = match[1]
            if target.startswith(THIS_PAGE):
                prefix = LANGUAGES[target.removeprefix(THIS_PAGE)]["prefix"]
                target = prefix + own
                # A page that does not exist in that language: its start page.
                if not (HTML / target).is_file():
                    target = prefix + "index.html"
            if page == "404.html":
                return "/" + target
            return posixpath.relpath(target, posixpath.dirname(page) or ".")

        text = path.read_text("utf-8")
        text = re.sub(re.escape(SITE) + r'([^"#\s<>]*)', relative, text)
        path.write_text(text, "utf-8")


def main():
    for folder in (HTML, WORK / "pages"):
        shutil.rmtree(folder, ignore_errors=True)
    names = collect()
    copy_pages(names)
    # English first: its folder contains that of Chinese, and MkDocs empties it.
    for language in LANGUAGES:
        build(language)
    finish()
    rustdoc()
    site = Site(HTML)
    faults = site.check()
    for fault in faults:
        print(fault, file=sys.stderr)
    size = sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file())
    print(f"target/site/html: {size / 1e6:.1f} MB, {site.summary()}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
