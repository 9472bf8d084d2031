#!/usr/bin/env python3
"""Checks every link, anchor, image and script of a folder of HTML pages.

    tools/site/check.py FOLDER

A link to a file of the site must lead to a file, and its fragment to an element with that id. A
page may load nothing from another host. Links to other hosts are counted and not followed.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# What a browser loads while it shows the page.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("iframe", "src"),
    ("source", "src"),
    ("object", "data"),
}
LOADED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "preconnect", "manifest"}
# The theme's own script adds these.
NOT_IN_THE_PAGE = {"__search"}


class Page(HTMLParser):
    """The ids of a page, and its links, each with whether the browser loads it."""

    def __init__(self, text):
        super().__init__()
        self.ids = set()
        self.links = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.ids.update(values[name] for name in ("id", "name") if values.get(name))
        is_loaded = tag == "link" and LOADED_RELATIONS & set((values.get("rel") or "").split())
        for name in ("href", "src", "data"):
            if name in values and (name != "data" or tag == "object"):
                self.links.append((values[name] or "", bool(is_loaded) or (tag, name) in LOADED))


def is_line_of_code(target, fragment):
    """Whether a fragment is a range of lines of rustdoc's source pages, which have no such id."""
    return "src" in target.parts and fragment.replace("-", "").isdigit()


class Site:
    """All pages of a folder. `faults` is filled by `check`."""

    def __init__(self, root):
        self.root = root.resolve()
        self.pages = {
            path: Page(path.read_text("utf-8")) for path in sorted(self.root.rglob("*.html"))
        }
        self.links = 0
        self.anchors = 0
        self.external = 0
        self.faults = []

    def fault(self, page, link, is_loaded):
        """Why a link is wrong, or None."""
        parts = urlsplit(link)
        if parts.scheme in ("data", "mailto", "javascript") and not parts.netloc:
            return None
        if parts.scheme or parts.netloc:
            self.external += 1
            return "loaded from another host" if is_loaded else None
        self.links += 1
        path = unquote(parts.path)
        if path.startswith("/"):
            target = self.root / path.lstrip("/")
        elif path:
            target = page.parent / path
        else:
            target = page
        target = target.resolve()
        if target.is_dir():
            target /= "index.html"
        if not target.is_relative_to(self.root):
            return "leads out of the site"
        if not target.is_file():
            return "no such file"
        fragment = parts.fragment
        if not fragment or target not in self.pages:
            return None
        self.anchors += 1
        # As in a browser: the fragment names an element as it is written, or else decoded.
        if {fragment, unquote(fragment)} & (self.pages[target].ids | NOT_IN_THE_PAGE):
            return None
        return None if is_line_of_code(target, fragment) else "no such anchor"

    def check(self):
        for path, page in self.pages.items():
            for link, is_loaded in page.links:
                fault = self.fault(path, link, is_loaded)
                if fault is not None:
                    self.faults.append(f"{path.relative_to(self.root)}: {link}: {fault}")
        return self.faults

    def summary(self):
        return (
            f"{len(self.pages)} pages, {self.links} links, {self.anchors} of them to an anchor; "
            f"{self.external} links to other hosts were not followed"
        )


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    site = Site(Path(sys.argv[1]))
    faults = site.check()
    for fault in faults:
        print(fault, file=sys.stderr)
    print(site.summary())
    return 1 if faults or not site.pages else 0


if __name__ == "__main__":
    sys.exit(main())
