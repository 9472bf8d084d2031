#!/usr/bin/env python3
"""Measures wx_client_accept_push over each kind of store: its time and its instructions.

    benches/pushes.py [FOLDER]

The tickets are one that is stored already, and a new one; the time is that of the fastest of five
rounds.

The store in a file is in FOLDER, or else in the system's folder for temporary files: the time of a
new ticket is partly that of the disk. On a busy machine a call under valgrind may exceed its limit
of 4 s, which ends the measurement. WXLINK_LIB_DIR is the folder of libwxlink.so: target/release
if unset. Skipped without a C compiler, openssl, redis-server or valgrind: see tools/need.sh.
"""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import harness

APPID = "wx0c00000000000001"
TOKEN = "TOKEN"
KEY = bytes(range(32))
PUSHES = 100
ROUNDS = 5
# The difference of two counts leaves out the start of the process.
FEW, MANY = 5, 25


def push(ticket: str) -> list[str]:
    """The query and the body of a push with this ticket.

    All were created at the same time, so that each is accepted, whichever came before.
    """
    message = (
        f"<xml><AppId><![CDATA[{APPID}]]></AppId>\n<CreateTime>1700000000</CreateTime>\n"
        "<InfoType><![CDATA[component_verify_ticket]]></InfoType>\n"
        f"<ComponentVerifyTicket><![CDATA[{ticket}]]></ComponentVerifyTicket>\n</xml>"
    ).encode()
    plain = bytes(16) + len(message).to_bytes(4, "big") + message + APPID.encode()
    padding = 32 - len(plain) % 32
    command = ["openssl", "enc", "-aes-256-cbc", "-nopad", "-K", KEY.hex(), "-iv", KEY[:16].hex()]
    plain += bytes([padding]) * padding
    sealed = subprocess.run(command, input=plain, capture_output=True, check=True)
    encrypted = base64.b64encode(sealed.stdout).decode()
    signed = "".join(sorted([TOKEN, "1700000000", "1", encrypted]))
    signature = hashlib.sha1(signed.encode()).hexdigest()
    query = f"timestamp=1700000000&nonce=1&msg_signature={signature}"
    return [query, f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"]


def main() -> int:
    try:
        harness.need("openssl", "redis-server", "valgrind")
        program = harness.compile_wxlink("pushes", "pushes.c")
    except harness.MissingToolError as missing:
        return int(harness.skip("pushes", missing) == 1)
    # A ticket of WeChat's has about 90 characters.
    old, new = (push(f"ticket@@@{letter * 81}") for letter in "AB")
    aes_key = base64.b64encode(KEY).decode().rstrip("=")
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        folder = Path(name)
        with harness.redis(folder) as redis:
            for store in ["memory", f"file:{folder / 'store'}", redis]:
                for what, action, pushes in [
                    ("a stored ticket", "repeated", old),
                    ("a new ticket", "ticket_stored", new + old),
                ]:
                    run = [program, store, aes_key, action]
                    times = [float(ran([*run, str(PUSHES), *pushes])) for _ in range(ROUNDS)]
                    few, many = (harness.instructions([*run, str(n), *pushes]) for n in (FEW, MANY))
                    count = (many - few) // (MANY - FEW)
                    kind = store.partition(":")[0]
                    time = min(times) / 1000
                    print(f"{kind:7} {what:16} {time:8,.0f} µs {count:10,} instructions")
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    return 0


def ran(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=harness.ENV)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
