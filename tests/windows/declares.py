#!/usr/bin/env python3
"""Writes the Declare statements of docs/windows.md as C types, for stdcall.c.

    declares.py > declares.h

The page has statements for VBA 7, with PtrSafe, and for Visual Basic 6. For each function there is
a type vba_FUNCTION or vb6_FUNCTION, and the number of its parameters, VB6_WORDS_FUNCTION.
"""

import re
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent.parent / "docs/windows.md"
# What Visual Basic passes, by how a parameter is declared.
C_TYPES = {
    ("ByVal", "Long"): "int32_t",
    ("ByRef", "Long"): "int32_t *",
    ("ByRef", "Byte"): "uint8_t *",
    ("ByVal", "LongPtr"): "intptr_t",
}


def declares(page):
    """The statements: whether it has PtrSafe, the function, the library, parameters, the result."""
    joined = re.sub(r" _\n\s*", " ", page)
    statement = (
        r"^\s*(?:Public|Private) Declare (PtrSafe )?Function (\w+) "
        r'Lib "(wxlink\.dll)" \((.*)\) As (\w+)$'
    )
    return re.findall(statement, joined, re.M)


def parameter(text):
    passing, name, kind = re.fullmatch(r"(ByVal|ByRef) (\w+) As (\w+)", text).groups()
    return f"{C_TYPES[passing, kind]} {name}".replace("* ", "*")


def main():
    found = declares(PAGE.read_text())
    libraries = {library for _, _, library, _, _ in found}
    if len(libraries) != 1:
        sys.exit(f"{PAGE} has no Declare statements, or for several libraries: {libraries}")
    print(f'#define DECLARED_LIBRARY "{libraries.pop()}"')
    for ptr_safe, function, _, parameters, result in found:
        kind = "vba" if ptr_safe else "vb6"
        given = [parameter(text) for text in parameters.strip().split(", ") if text]
        if kind == "vb6":
            print(f"#define VB6_WORDS_{function} {len(given)}")
        returned = C_TYPES["ByVal", result]
        print(f"typedef {returned}(__stdcall *{kind}_{function})({', '.join(given) or 'void'});")


if __name__ == "__main__":
    main()
