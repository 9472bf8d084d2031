#!/bin/sh
# Runs the tests of languages, then the demo in each of them, and that of a platform in English and
# Chinese:
#   tools/test_languages.sh c|cpp|csharp|go|java|php|cobol|pascal|python|node...
#
# WXLINK_LIB_DIR is the folder of the libraries and programs: target/release if unset.
set -eu
cd "$(dirname "$0")/.."
. tools/need.sh

for language in "$@"; do
    case $language in
    python) folder=python ;;
    *) folder=bindings/$language ;;
    esac
    echo "$folder: tests"
    code=0
    "$folder/test.sh" || code=$?
    # 77: skipped, as need.sh has reported.
    [ "$code" = 0 ] || [ "$code" = 77 ] || exit "$code"
done

demo() { # NAME LANG
    output=target/demo-$1-$2.txt
    code=0
    WXLINK_LANG=$2 "${PYTHON:-python3}" tools/demo.py "$1" > "$output" 2>&1 || code=$?
    case $code in
    0) echo "$1: the demo passed ($output)" ;;
    127) skip "the demo in $1" "a tool that it needs is not installed" || : ;;
    *)
        cat "$output"
        exit 1
        ;;
    esac
}

for name in "$@" platform; do
    demo "$name" en
done
demo platform zh
