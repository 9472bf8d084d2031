#!/bin/sh
# Runs the package's tests and type checks: test.sh [TEST FILES]
#
# WXLINK_LIB_DIR is the folder of wxlink-sandbox. npm downloads TypeScript once. Exits with 77 if
# the tests are skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tools/need.sh"

need Node node npm || exit
code=0
"$here/build.sh" || code=$?
[ "$code" != 127 ] || skip Node "Node 18 or newer is not installed" || exit
[ "$code" = 0 ]
WXLINK_SANDBOX=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)/wxlink-sandbox
export WXLINK_SANDBOX
cd "$here"
if [ ! -e node_modules/.package-lock.json ] ||
    [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --silent --no-audit --no-fund
    touch node_modules/.package-lock.json
fi
[ $# -gt 0 ] || set -- tests/*.test.js
node --test "$@"
node_modules/.bin/tsc --project tsconfig.json
