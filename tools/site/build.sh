#!/bin/sh
# Builds the site in target/site/html and checks its links. Installs the builder's packages in
# target/site/venv. Exits with 77 if Python's venv is missing (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
. "$root/tools/need.sh"
need "the site" "${PYTHON:-python3}" git || exit

# The packages are installed again when their list has changed.
venv=$root/target/site/venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    "${PYTHON:-python3}" -m venv --clear "$venv" 2> /dev/null ||
        skip "the site" "Python's venv is not installed" || exit
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv"
fi
PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/build.py"
