"""The command `wxlink`, also `python -m wxlink`."""

from __future__ import annotations

import os
import sys

from wxlink._core import command


def main() -> int:
    """Runs the command and returns its exit code."""
    # The command looks for the simulator in its own folder: the environment's scripts.
    called = os.path.join(os.path.dirname(sys.executable), "wxlink")
    return command([called, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
