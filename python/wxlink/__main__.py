"""The command `wxlink`, which is `python -m wxlink` as well."""

from __future__ import annotations

import os
import sys

from wxlink._core import command


def main() -> int:
    """Runs the command and returns its exit code."""
    # It looks for the simulator in the folder it was called from: where the environment has its programs.
    called = os.path.join(os.path.dirname(sys.executable), "wxlink")
    return command([called, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
