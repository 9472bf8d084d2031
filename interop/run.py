#!/usr/bin/env python3
"""Runs SDKs of other projects, unmodified, against the simulator and against wxlink.

    run.py [SDK...]             the whole way of a platform, with each SDK
    run.py --faults [SDK...]    what each SDK and wxlink do when a link meets a fault

SDK is one of wechatpy, silenceper, easywechat, wxjava. The default is all; then --faults writes
docs/comparison.md, too. Prints a table, and exits with 1 if a step failed. The packages are
installed in target/interop. WXLINK_LIB_DIR is the folder of libwxlink.so, wxlink
and wxlink-sandbox: target/release if unset.
"""

import argparse
import subprocess
import sys

import faults
from rig import FAILURES, ROOT, Rig
from sdks import SDKS, WORK, InstallError

STEPS = {
    "receives the ticket": Rig.receive_ticket,
    "refuses a forged push": Rig.refuse_forged_push,
    "platform token": Rig.get_platform_token,
    "pre-auth code, authorisation, its push": Rig.authorize,
    "query_auth": Rig.query_auth,
    "refresh": Rig.refresh,
    "link": Rig.link,
    "both administrators agree": Rig.agree,
    "list": Rig.list_links,
    "unlink": Rig.unlink,
    "reads published pushes": Rig.read_published_pushes,
    "wx_client_accept_push accepts its push": Rig.push_to_library,
    "wxlink serve accepts its push": Rig.push_to_service,
}


def skip(sdk, tool):
    """Reports that an SDK is skipped. Returns whether that is a failure: see tools/need.sh."""
    command = [ROOT / "tools/need.sh", "--skip", f"interop {sdk.name}", f"{tool} is not installed"]
    return subprocess.run(command).returncode != 77


def try_way(sdk):
    """Takes the steps in turn and returns the result of each: no step follows a failed one."""
    results = dict.fromkeys(STEPS, "not tried")
    step = "start"
    try:
        with Rig(sdk) as rig:
            for step, take in STEPS.items():
                try:
                    take(rig)
                except FAILURES:
                    results[step] = "FAILED"
                    sys.stderr.write(rig.log())
                    raise
                results[step] = "ok"
    except FAILURES as error:
        print(f"{sdk.name}: {step}: {error}", file=sys.stderr)
    return results


def print_table(head, rows):
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )


def run_way(sdks):
    results = {sdk.name: try_way(sdk) for sdk in sdks}
    rows = ([step, *(results[sdk.name][step] for sdk in sdks)] for step in STEPS)
    print_table(["", *(f"{sdk.name} {sdk.version()}" for sdk in sdks)], rows)
    return all(result == "ok" for steps in results.values() for result in steps.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", action="store_true", help="make the table of faults")
    parser.add_argument("sdk", nargs="*", help=", ".join(sdk.name for sdk in SDKS))
    arguments = parser.parse_args()
    unknown = set(arguments.sdk) - {sdk.name for sdk in SDKS}
    if unknown:
        parser.error(f"unknown SDK: {', '.join(sorted(unknown))}")
    WORK.mkdir(parents=True, exist_ok=True)
    failed = False
    ready = []
    for sdk in SDKS:
        if arguments.sdk and sdk.name not in arguments.sdk:
            continue
        if tool := sdk.missing_tool():
            failed |= skip(sdk, tool)
            continue
        try:
            sdk.install()
            ready.append(sdk)
        except InstallError as error:
            print(f"{sdk.name}: could not be installed: {error}", file=sys.stderr)
            failed = True
    if arguments.faults:
        failed |= not faults.run(ready, is_complete=len(ready) == len(SDKS))
    elif ready:
        failed |= not run_way(ready)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
