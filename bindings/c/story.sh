#!/bin/sh
# Checks the exit codes and texts of the compiled C programs in a folder:
#   tools/with_sandbox.py bindings/c/story.sh FOLDER
set -eu
appid=wx0b00000000000001

expect() { # CODE PATTERN COMMAND...: the pattern is for stdout and stderr together
    wanted=$1 pattern=$2 code=0
    shift 2
    output=$("$@" 2>&1) || code=$?
    # shellcheck disable=SC2254
    case "$code $output" in
    "$wanted "$pattern) ;;
    *)
        printf '%s: expected exit code %s and %s, got %s:\n%s\n' "$*" "$wanted" "$pattern" "$code" \
            "$output" >&2
        exit 1
        ;;
    esac
}

cd "$1"
export WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN
expect 2 "usage: *" ./link $appid yes 1
expect 2 "usage: *" ./link $appid 0
expect 2 "usage: *" ./exec
expect 2 "*base_url*" env WXLINK_BASE_URL=http://example.com ./refusal $appid
expect 0 "*(none)" ./list
expect 0 "The invitation is out." ./link $appid 0 1
expect 0 "*89010*" ./link $appid 0 1
expect 0 "done: *89010*" ./refusal $appid
expect 0 "*$appid *waiting for the Official Account's administrator *" ./list
expect 0 "done: the invitation is out" ./refusal wx0b00000000000002
expect 1 "action_required: *89245*" ./refusal wx0b000000000000e3
expect 1 "invalid_request: *40013*" ./refusal wx-no-such-appid
expect 4 "busy: wait a little, then call again" ./refusal wx0a00000000000004
expect 5 "unknown: *BAD_VALUE*" ./refusal ""
expect 3 "token: get another access token, then call again" \
    env WXLINK_ACCESS_TOKEN=SANDBOX-EXPIRED ./refusal $appid
expect 1 "*42001*" env WXLINK_ACCESS_TOKEN=SANDBOX-EXPIRED ./list
export WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN-3 # Its list has one item of every kind.
expect 0 "The Official Account's administrator has been asked." ./unlink wx0b00000000000011
expect 0 "*89018*" ./unlink wx0b00000000000011
expect 1 "*40013*" ./unlink wx-no-such-appid
expect 2 "usage: *" ./unlink
printf 'base_url=%s\naccess_token=SANDBOX-TOKEN\nappid=%s\n' "$WXLINK_BASE_URL" $appid > args
expect 1 "status=-80*/state=pending*" ./exec wait < args
printf 'get\taccess_token=SANDBOX-TOKEN-3\toption.base_url=%s\n' "$WXLINK_BASE_URL" > requests
expect 0 "status=OK*item.0.status=1*items=6" ./conform < requests
