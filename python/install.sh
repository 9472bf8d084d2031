#!/bin/sh
# Creates the checkout's .venv and builds the module into it (a debug build), unless it is up to
# date. Exits with 127 if there is no suitable Python; PYTHON names another than python3.
#
#   install.sh             does so
#   install.sh --python    only prints the path of the Python of .venv
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
venv="$root/.venv"
python=${PYTHON:-python3}
if [ "${1:-}" = --python ]; then
    echo "$venv/bin/python"
    exit
fi
check='import ensurepip, sys; sys.exit(sys.version_info < (3, 10))'
if ! "$python" -c "$check" 2> /dev/null; then
    echo "python: Python 3.10 or newer with ensurepip (Debian: python3-venv) is not installed" >&2
    exit 127
fi
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
tools="$venv/tools-$(cksum < "$here/requirements.txt" | cut -d ' ' -f 1)"
if [ ! -e "$tools" ]; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    touch "$tools"
fi
built="$venv/built"
changed() {
    [ ! -e "$built" ] || [ -n "$(
        find "$root/src" "$root/crates/bulk" "$root/crates/cli" "$root/crates/metrics" \
            "$root/Cargo.lock" "$here/src" "$here/Cargo.toml" "$here/pyproject.toml" \
            -newer "$built" | head -n 1
    )" ]
}
if changed; then
    touch "$built.new"
    # Not in target/ itself, for the reason in .cargo/config.toml.
    (cd "$here" && VIRTUAL_ENV="$venv" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/python" \
        "$venv/bin/maturin" develop --quiet --locked) > "$venv/build.log" 2>&1 || {
        cat "$venv/build.log" >&2
        exit 1
    }
    mv "$built.new" "$built"
fi
