#!/usr/bin/env python3
"""Sends one request to the admin interface of the simulator and prints the response.

    tools/sandbox_admin.py METHOD PATH [JSON]      POST reset, GET journal, PUT policy '{...}'

WXLINK_SANDBOX_ADMIN is its address: tools/with_sandbox.py sets it. docs/sandbox.md lists the
requests. Exits with 1 if the simulator refuses the request.
"""

import json
import os
import sys

from with_sandbox import SandboxError, request


def main():
    if len(sys.argv) not in (3, 4) or "WXLINK_SANDBOX_ADMIN" not in os.environ:
        print(__doc__, file=sys.stderr)
        return 2
    method, path = sys.argv[1:3]
    body = json.loads(sys.argv[3]) if len(sys.argv) == 4 else None
    try:
        reply = request(os.environ["WXLINK_SANDBOX_ADMIN"], method, path, body)
    except (SandboxError, OSError) as error:
        print(f"sandbox_admin: {error}", file=sys.stderr)
        return 1
    print(json.dumps(reply, ensure_ascii=False, separators=(",", ":")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
