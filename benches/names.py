"""The same link by a name and by a literal address, with a name server 5 ms away.

    unshare --map-root-user --mount --net --kill-child python3 names.py

Needs user, mount and network namespaces of its own: it configures itself as the name server of the
C library. Prints one line of JSON: the times of each round, and the number of questions.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

import harness

NAME_SERVER_DELAY_SECONDS = 0.005
CALLS_PER_ROUND, ROUNDS = 250, 31


def bring_up_loopback():
    flags, up = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, flags, struct.pack("16sH", b"lo", up) + bytes(14))


def use_our_name_server(folder):
    for path, text in {
        "/etc/resolv.conf": "nameserver 127.0.0.1\n",
        "/etc/hosts": "",
        "/etc/nsswitch.conf": "hosts: dns\n",
    }.items():
        ours = Path(folder, Path(path).name)
        ours.write_text(text)
        subprocess.run(["mount", "--bind", ours, os.path.realpath(path)], check=True)


class NameServer:
    """Answers each question after 5 ms: any name has the address 127.0.0.1 and no IPv6 address."""

    def __init__(self):
        self.questions = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, caller = self.socket.recvfrom(512)
            self.questions += 1
            threading.Timer(NAME_SERVER_DELAY_SECONDS, self.answer, (question, caller)).start()

    def answer(self, question, caller):
        end = question.index(b"\0", 12) + 5  # name, type, class
        wants_a = question[end - 4 : end - 2] == b"\0\1"
        answer = (
            question[:2] + b"\x81\x80" + struct.pack("!HHHH", 1, wants_a, 0, 0) + question[12:end]
        )
        if wants_a:
            answer += (
                b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 600, 4) + socket.inet_aton("127.0.0.1")
            )
        self.socket.sendto(answer, caller)


def main():
    # On one core, so that whatever else it has to do slows both contestants down.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    bring_up_loopback()
    with tempfile.TemporaryDirectory() as folder:
        use_our_name_server(folder)
        server = NameServer()
        with harness.Responder() as responder:
            program = harness.compile_wxlink()
            literal = harness.Contestant([program, responder.url, "-"])
            named = harness.Contestant(
                [program, responder.url.replace("127.0.0.1", "localhost"), "-"]
            )
            rounds = []
            literal("link", 1)
            first = named("link", 1)
            assert server.questions > 0, "the name server was not asked"
            for i in range(ROUNDS):
                pair = {}
                for c in (literal, named) if i % 2 else (named, literal):
                    c("link", 20)
                    pair[c] = c("link", CALLS_PER_ROUND)
                rounds.append((pair[named], pair[literal]))
            literal.end()
            named.end()
    print(json.dumps({"rounds": rounds, "first_ms": first / 1e6, "questions": server.questions}))


if __name__ == "__main__":
    main()
