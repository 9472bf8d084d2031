#!/bin/sh
# Tests the panel, the simulator's page, in a real browser: test.sh [PYTEST ARGUMENTS]
#
# WXLINK_LIB_DIR is the folder of wxlink-sandbox (target/release if unset), CHROMIUM the browser.
# WXLINK_SCREENSHOTS=1 writes the pictures of docs/images. Exits with 77 if the tests are skipped
# (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
. "$root/tools/need.sh"
for browser in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    CHROMIUM=$(command -v "${browser:-false}") && [ -n "$browser" ] && break
done
[ -n "$CHROMIUM" ] || skip "the panel" "chromium is not installed" || exit
need "the panel" "${PYTHON:-python3}" || exit
export CHROMIUM

# The packages are installed again when their list has changed.
venv=$root/target/browser/venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    "${PYTHON:-python3}" -m venv --clear "$venv" 2> /dev/null ||
        skip "the panel" "Python's venv is not installed" || exit
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv"
fi
cd "$here"
"$venv/bin/python" -m pytest --quiet -p no:cacheprovider "$@"
