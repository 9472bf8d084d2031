#!/bin/sh
# Decides what happens to a part of the checks that this machine cannot run: it is skipped; with
# CI=true that is a failure. Both print "SKIPPED: PART: TOOL is not installed" on stderr.
#
# As a program:
#   need.sh PART TOOL...         exits with 0 if every TOOL is in the PATH
#   need.sh --skip PART REASON   the caller has found another reason, such as an old version
# It exits with 77 if the part is to be skipped, and with 1 if that is a failure.
#
# Sourced by a shell script it defines these functions; where the program exits with 1, they end the
# script with 1:
#   need PART TOOL...              returns 0 or 77
#   skip PART REASON               returns 77
#   skip_even_in_ci PART REASON    returns 77 with CI=true too, for what CI cannot provide

skip() {
    echo "SKIPPED: $1: $2" >&2
    [ "${CI:-}" != true ] || {
        echo "need: nothing may be skipped with CI=true" >&2
        exit 1
    }
    return 77
}

skip_even_in_ci() {
    (CI='' && skip "$@")
}

need() {
    need_part=$1
    shift
    for need_tool in "$@"; do
        command -v "$need_tool" > /dev/null ||
            skip "$need_part" "$need_tool is not installed" || return
    done
}

case ${0##*/} in
need.sh)
    if [ "${1:-}" = --skip ]; then
        shift
        skip "$@"
    else
        need "$@"
    fi
    ;;
esac
