"""What a link under a fault looks like to WeChat and to its caller, for each SDK and for wxlink.

Each trial has a simulator and a driver of its own. Everything is made ready for a link, the fault
is set, and the mini program is linked. If that fails, the caller links it once more.
"""

import re
import sys
from dataclasses import dataclass

from rig import FAILURES, ROOT, Rig, WxlinkRig

PAGE = ROOT / "docs/comparison.md"
# A call that takes longer has no answer, for a caller that is a person or a web page.
LIMIT_SECONDS = 20

FAULTS = {
    "none": None,
    "reset, without effect": {"when": "before", "fault": {"drop": "reset"}},
    "reset, with effect": {"when": "after", "fault": {"drop": "reset"}},
    "reset, effect 3 s later": {"effect_after_ms": 3000, "fault": {"drop": "reset"}},
    "hang, with effect": {"when": "after", "fault": "hang"},
    "-1, with effect": {"when": "after", "fault": {"errcode": {"code": -1}}},
    "40001 once": {"fault": {"errcode": {"code": 40001}}},
    "40001 every time": {"always": True, "fault": {"errcode": {"code": 40001}}},
    "502, with effect": {"when": "after", "fault": {"status": {"code": 502}}},
}

# How the simulator's secrets begin.
SECRETS = {
    "access token": r"SANDBOX-ACCESS-",
    "platform's token": r"SANDBOX-PLATFORM-",
    "refresh token": r"refreshtoken(@@@|%40%40%40)SANDBOX-",
    "authorisation code": r"queryauthcode(@@@|%40%40%40)SANDBOX-",
    "ticket": r"SANDBOX-TICKET",
    "appsecret": r"SANDBOX-COMPONENT-SECRET",
}


@dataclass
class Trial:
    # `done`, `error` or `no answer`: what the caller gets.
    result: str
    # The posts of the call, and of the call that repeats a failed one: None if there was none.
    posts: int
    posts_of_repetition: int | None
    # How many tokens the call fetched.
    tokens: int
    # Which secrets were in the text of the error, and in the log.
    in_error: list
    in_log: list


def secrets_in(text):
    return [name for name, pattern in SECRETS.items() if re.search(pattern, text)]


def fetched_tokens(rig):
    refreshes = rig.admin("GET", "refreshes")
    return refreshes["component"] + sum(refreshes["accounts"].values())


def run_trial(rig, fault):
    rig.prepare()
    if fault is None:
        # All that the SDK logs on the way there counts.
        logged_before = 0
    else:
        logged_before = len(rig.log())
        rig.admin("POST", "faults", {"endpoint": "link", **fault})
    tokens_before = fetched_tokens(rig)
    first = rig.attempt_link(LIMIT_SECONDS)
    posts = rig.counts()["link"]
    tokens = fetched_tokens(rig) - tokens_before
    repeated = None
    if first.result == "error":
        rig.attempt_link(LIMIT_SECONDS)
        repeated = rig.counts()["link"] - posts
    return Trial(
        result=first.result,
        posts=posts,
        posts_of_repetition=repeated,
        tokens=tokens,
        in_error=secrets_in(first.text),
        in_log=secrets_in(rig.log()[logged_before:]),
    )


def posts_cell(trial):
    cell = str(trial.posts)
    if trial.posts_of_repetition is not None:
        cell += f" + {trial.posts_of_repetition}"
    return cell


def result_cell(trial):
    return trial.result + (f", {trial.tokens} tokens" if trial.tokens > 1 else "")


def secrets_cell(trial):
    parts = []
    for place, found in (("error", trial.in_error), ("log", trial.in_log)):
        if found:
            parts.append(f"{place}: {', '.join(found)}")
    return "; ".join(parts) or "none"


TABLES = {
    "Posts that WeChat received": posts_cell,
    "What the caller gets": result_cell,
    "Secrets": secrets_cell,
}


def markdown(results, clients):
    lines = []
    for title, cell in TABLES.items():
        lines += [f"### {title}", ""]
        lines.append("| fault | " + " | ".join(clients) + " |")
        lines.append("|---" * (len(clients) + 1) + "|")
        for fault in FAULTS:
            cells = (cell(results[client][fault]) for client in clients)
            lines.append(f"| {fault} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def write_page(text):
    start, end = "<!-- written by make interop-faults -->\n", "<!-- end -->"
    head, rest = PAGE.read_text().split(start)
    tail = rest.split(end)[1]
    PAGE.write_text(f"{head}{start}\n{text}\n{end}{tail}")


def run(sdks, is_complete):
    """Runs all trials and prints the tables. If nothing is missing, it writes the page, too."""
    rigs = {f"{sdk.name} {sdk.version()}": lambda sdk=sdk: Rig(sdk) for sdk in sdks}
    for verb in ("link", "ensure"):
        rigs[f"wxlink {verb}"] = lambda verb=verb: WxlinkRig(verb)
    results = {}
    for client, make_rig in rigs.items():
        results[client] = {}
        for name, fault in FAULTS.items():
            try:
                with make_rig() as rig:
                    results[client][name] = run_trial(rig, fault)
            except FAILURES as error:
                print(f"{client}: {name}: {error}", file=sys.stderr)
                return False
    text = markdown(results, list(rigs))
    print(text)
    if is_complete:
        write_page(text)
    return True
