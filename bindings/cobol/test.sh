#!/bin/sh
# Runs the COBOL programs against a simulator.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox, WXLINK_BUILD_DIR the one to build
# in. Exits with 77 if the tests are skipped (tools/need.sh).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tools/need.sh"
need COBOL cobc python3 || exit
# Without a simulator the script starts itself again with one.
[ -n "${WXLINK_SANDBOX_ADMIN:-}" ] || exec "$root/tools/with_sandbox.py" "$here/test.sh"

url=$WXLINK_BASE_URL
export WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
failures=0

# admin METHOD PATH [JSON]: sends a request to the simulator's admin interface.
admin() { "$root/tools/sandbox_admin.py" "$@"; }

# expect CODE STDOUT STDERR PROGRAM ARGS...: runs a program; the outputs are shell patterns.
expect() {
    code=$1 stdout=$2 stderr=$3
    shift 3
    "$here/run.sh" "$@" >"$scratch/out" 2>"$scratch/err"
    got=$? out=$(cat "$scratch/out") err=$(cat "$scratch/err")
    if [ "$got" -ne "$code" ]; then
        complain "$*" "exit code $got, expected $code"
    fi
    case $out in $stdout) ;; *) complain "$*" "stdout is not $stdout" ;; esac
    case $err in $stderr) ;; *) complain "$*" "stderr is not $stderr" ;; esac
    case $out$err in *"${WXLINK_ACCESS_TOKEN:-no token}"*) complain "$*" "shows the token" ;; esac
}

complain() {
    printf '%s: %s\n  stdout: %s\n  stderr: %s\n' "$1" "$2" "$out" "$err" >&2
    failures=$((failures + 1))
}

for source in "$here"/*.cob "$here"/samples/*.cob "$here"/tests/*.cob; do
    cobc -fsyntax-only -Wall -Werror -I "$here" "$source" || failures=$((failures + 1))
done

admin POST reset >/dev/null

# The samples.
usage='usage: WXLINK_ACCESS_TOKEN=... '
empty='  APPID               ORIGINAL ID         STATUS                                            NAME
  (none)'
expect 0 "$empty" '' list
expect 0 'The invitation is out.' '' link wx0b00000000000001 0 1
expect 0 '*WeChat answered 89010 LINK_MESSAGE_SENT*' '' link wx0b00000000000001 0 1
expect 1 '' '*WeChat answered 89245 LINKING_SWITCHED_OFF*' link wx0b000000000000e3 0 1
expect 1 '' '*BAD_VALUE: appid is empty*' link '' 0 1
expect 1 '' '*BAD_VALUE: appid contains a control character*' link "$(printf 'wx\nproxy=none')" 0 1
expect 2 '' "${usage}link*" link wx0b00000000000001 2 1
expect 2 '' "${usage}link*" link wx0b00000000000001 0 00
expect 2 '' "${usage}link*" link wx0b00000000000001 0
expect 2 '' "${usage}link*" link
expect 2 '' "${usage}unlink*" unlink
expect 2 '' "${usage}refusal*" refusal
expect 0 'done: the invitation is out' '' refusal wx0b00000000000002
expect 0 'done: *89010*' '' refusal wx0b00000000000002
expect 1 'action_required: *89245*' '' refusal wx0b000000000000e3
expect 1 'invalid_request: *40013*' '' refusal wx0b00000000000099

fault() { admin POST faults "{\"endpoint\":\"$1\",\"when\":\"$2\",\"fault\":$3}" >/dev/null; }
fault link before '{"errcode":{"code":-1}}'
expect 4 'busy: wait a little, then call again' '' refusal wx0b00000000000003
fault link before '{"errcode":{"code":45011}}'
expect 4 'quota: call again when it is renewed' '' refusal wx0b00000000000003
fault link before '{"errcode":{"code":12345}}'
expect 5 'unknown: *12345*' '' refusal wx0b00000000000003
fault link after '{"drop":"reset"}'
expect 5 'unknown: *CONNECTION_LOST*' '' refusal wx0b00000000000003

WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN-3
expect 0 '  APPID *
  wx0b00000000000011  gh_000000000011     linked                                            示例小程序11
  wx0b00000000000012  gh_000000000012     waiting for the Official Account'"'"'s administrator  示例小程序12
  wx0b00000000000013  gh_000000000013     waiting for the mini program'"'"'s administrator      示例小程序13
  -                   gh_000000000014     refused by the mini program'"'"'s administrator       示例小程序14
  wx0b00000000000015  gh_000000000015     linked                                            示例小程序15
  wx0a00000000000004  gh_000000000004     linked                                            示例服务号' '' list
expect 0 "The Official Account's administrator has been asked." '' unlink wx0b00000000000011
expect 0 '*89018 UNLINK_MESSAGE_SENT*' '' unlink wx0b00000000000011
expect 1 '' '*40013 INVALID_APPID*' unlink wx0b00000000000001

WXLINK_ACCESS_TOKEN=SANDBOX-EXPIRED
expect 3 'token: get another access token, then call again' '' refusal wx0b00000000000001
expect 1 '' '*42001*' list
WXLINK_ACCESS_TOKEN=$(printf '%04097d' 7)
expect 1 '' '*access_token is longer than 4096 bytes*' list
unset WXLINK_ACCESS_TOKEN
expect 2 '' "${usage}list" list
export WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN
WXLINK_BASE_URL=http://api.weixin.qq.com
expect 2 '' '*option base_url takes*' list
expect 2 '' '*option base_url takes*' link wx0b00000000000001 0 1
expect 2 '' '*option base_url takes*' refusal wx0b00000000000001
expect 2 '' '*option base_url takes*' unlink wx0b00000000000001
WXLINK_BASE_URL=$url

# The other verbs, and every field of a list.
admin POST reset >/dev/null
expect 0 'ensure: -0000000080 pending         pending official_account 0001
wait: -0000000080 pending         pending official_account 0000
link: -0000000070 +0000089245 action_required 2 200
微信返回 89245
long: -0000000004 an option'"'"'s value is longer than 1023 bytes
nonsense: -0000000004
no such op: -0000000003
1|gh_000000000011|wx0b00000000000011|SOURCE_NORMAL|示例小程序11|1|0|1|http://wx.qlogo.cn/mmhead/sandbox-0000000000000011/0|1|*
  1 1 微信认证
  2 0 微信支付' '' verbs

# A list of 500 items, longer than WX-RESULT. The first item has values that are longer than their
# fields.
admin POST reset >/dev/null
WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN-3
long_list=$(python3 -c 'import json; print(json.dumps({"body": {"text": json.dumps({"errcode": 0,
    "wxopens": {"items": [{"appid": "a" * 257, "nickname": "ab" + "示" * 100, "status": 4294967297}]
    + [{}] * 499}})}}))')
fault get before "$long_list"
expect 0 '{"errcode": 0, "
000000254
4294967297          
0000000500' '' small
fault get before '{"body":{"text":"{\"errcode\":0,\"wxopens\":\"x\"}"}}'
expect 1 '' '*BAD_ANSWER*wxopens is not an object*' list

# The batch program: every exit code.
WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN-3
orders=$scratch/orders
printf 'LIST\nUNLINK wx0b00000000000011\r\nLINK wx0b00000000000001 0 1\n' >"$orders"
expect 0 '     1  LIST                        DONE     6 in the list, 3 linked, 2 waiting, 1 refused
     2  UNLINK  wx0b00000000000011  DONE     the account'"'"'s administrator has been asked
     3  LINK    wx0b00000000000001  DONE     the invitation is out
3 orders: 3 DONE 0 WAITING 0 REFUSED 0 FAILED 0 UNKNOWN 0 BAD' '' batch "$orders"
{
    printf '* Again.\n\nLINK wx0b00000000000001 0 1\n  LINK  wx0b000000000000e3  0  1\n'
    printf 'LINK wx0b00000000000015 0 1\n'
} >"$orders"
expect 4 '     3  LINK    wx0b00000000000001  WAITING  *89010*
     4  LINK    wx0b000000000000e3  REFUSED  *89245*
     5  LINK    wx0b00000000000015  DONE     *89015*
3 orders: 1 DONE 1 WAITING 1 REFUSED 0 FAILED 0 UNKNOWN 0 BAD' '' batch "$orders"
fault link after '{"drop":"close"}'
printf 'LINK wx0b00000000000002 0 1\nLIST\n' >"$orders"
expect 8 '     1  LINK    wx0b00000000000002  UNKNOWN  *CONNECTION_LOST*
     2  LIST                        DONE     8 in the list*
2 orders: 1 DONE 0 WAITING 0 REFUSED 0 FAILED 1 UNKNOWN 0 BAD' '' batch "$orders"
WXLINK_BASE_URL=http://127.0.0.1:1
expect 8 '*LINK    wx0b00000000000002  FAILED   *CONNECT*
2 orders: 0 DONE 0 WAITING 0 REFUSED 2 FAILED 0 UNKNOWN 0 BAD' '' batch "$orders"
WXLINK_BASE_URL=nonsense
expect 12 '*LINK    wx0b00000000000002  BAD      BAD_OPTION: option base_url*2 BAD' '' batch "$orders"
WXLINK_BASE_URL=$url
WXLINK_ACCESS_TOKEN=SANDBOX-EXPIRED
expect 8 '*LINK    wx0b00000000000002  FAILED   *42001*
     2  LIST                        FAILED   not tried: the token was refused
2 orders: 0 DONE 0 WAITING 0 REFUSED 2 FAILED 0 UNKNOWN 0 BAD' '' batch "$orders"

# Invalid orders: nothing is sent, even if other orders are valid.
WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN
admin POST reset >/dev/null
{
    printf 'LINK wx0b00000000000001 0 1\nLINK wx0b00000000000001\nLINK wx0b00000000000001 0 1 2\n'
    printf 'LINK wx0b00000000000001 yes 1\nUNLINK\nLIST all\nlist\n%01030d\n' 0
} >"$orders"
expect 12 '     2  LINK    wx0b00000000000001  BAD      must be LINK APPID 0|1 0|1
     3  LINK    wx0b00000000000001  BAD      must be LINK APPID 0|1 0|1
     4  LINK    wx0b00000000000001  BAD      must be LINK APPID 0|1 0|1
     5  UNLINK                      BAD      must be UNLINK APPID
     6  LIST    all                 BAD      must be LIST alone
     7  list                        BAD      must be LINK, UNLINK or LIST
     8  00000000                    BAD      the record is too long
Nothing was sent: the orders must be corrected.
8 orders: 0 DONE 0 WAITING 0 REFUSED 0 FAILED 0 UNKNOWN 7 BAD' '' batch "$orders"
case $(admin GET journal) in
    *'"entries":[]'*) ;;
    *) complain batch 'something was sent' ;;
esac
expect 12 '' '*the orders cannot be read, file status 35' batch "$scratch/nothing"
expect 12 '' "${usage}WXBATCH*" batch
: >"$orders"
expect 0 '0 orders:*' '' batch "$orders"

[ "$failures" -eq 0 ] || { echo "cobol: $failures failed" >&2; exit 1; }
echo "cobol: all passed"
