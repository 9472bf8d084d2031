#!/bin/sh
# Tests the Pascal unit and the samples against a simulator.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox, WXLINK_BUILD_DIR the one to build
# in. Exits with 77 if it is skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/pascal}
. "$root/tools/need.sh"
need Pascal fpc python3 || exit
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP

echo 'program trial; uses fpcunit, fphttpclient, fpjson, Process; begin end.' > "$scratch/trial.pas"
fpc -l- -v0 -FE"$scratch" "$scratch/trial.pas" > "$scratch/trial.log" 2>&1 ||
    skip Pascal "fp-units-fcl is not installed" || exit

fpc -l- -v0ew -Sew -FE"$scratch" "$here/wxlink.pas" >&2

# The unit declares exactly the functions of the header.
sed -n '/__stdcall/!s/^[a-z].*[ *]\(wx_[a-z_]*\)(.*/\1/p' "$root/include/wxlink.h" | sort > "$scratch/header"
sed -n "s/.*external WxLibrary name '\(.*\)';/\1/p" "$here/wxlink.pas" | sort > "$scratch/unit"
[ -s "$scratch/header" ]
diff "$scratch/header" "$scratch/unit" >&2

# Without arguments and a token each sample compiles and then refuses to run. The test runs them
# from the build folder.
for sample in link list refusal unlink; do
    code=0
    env -u WXLINK_ACCESS_TOKEN "$here/run.sh" "$sample" \
        > "$scratch/out" 2> "$scratch/err" || code=$?
    [ "$code" -eq 2 ] || {
        cat "$scratch/err" >&2
        echo "pascal: $sample ended with $code" >&2
        exit 1
    }
done
"$root/tools/with_sandbox.py" "$here/run.sh" test_wxlink "$build"
