#!/bin/sh
# Runs the tests of languages, and then the demo in each of them and that of a platform:
#   tools/test_languages.sh c|cpp|go|java|php|cobol|pascal|python|node...
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

for name in "$@" platform; do
    output=target/demo-$name.txt
    code=0
    "${PYTHON:-python3}" tools/demo.py "$name" > "$output" 2>&1 || code=$?
    case $code in
    0) echo "$name: the demo passed ($output)" ;;
    127) skip "the demo in $name" "a tool that it needs is not installed" || : ;;
    *)
        cat "$output"
        exit 1
        ;;
    esac
done
