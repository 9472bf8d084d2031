#!/bin/sh
# Runs the module's tests and type checks: test.sh [PYTEST ARGUMENTS]
#
# WXLINK_LIB_DIR is the folder of wxlink-sandbox. Exits with 77 if the tests are skipped
# (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
. "$root/tools/need.sh"
code=0
"$here/install.sh" || code=$?
[ "$code" != 127 ] || skip Python "Python 3.10 or newer with ensurepip is not installed" || exit
[ "$code" = 0 ]
export PATH="$root/.venv/bin:$PATH"
export WXLINK_SANDBOX="${WXLINK_LIB_DIR:-$root/target/release}/wxlink-sandbox"
cd "$here"
python -m pytest --quiet "$@"
if cargo clippy --version > /dev/null 2>&1; then
    (
        cd "$root"
        export PYO3_PYTHON="$root/.venv/bin/python"
        export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}/python"
        cargo clippy --locked --quiet --package wxlink-python -- --deny warnings
    )
fi
ruff check --quiet .
ruff check --quiet --config pyproject.toml ../tools ../benches ../tests/browser ../tests/deb ../tests/packages ../tests/windows
ruff format --quiet --check --config pyproject.toml . ../tools ../benches ../tests/browser ../tests/deb ../tests/packages ../tests/windows
mypy --no-error-summary wxlink samples/link.py
for sample in list refusal unlink; do mypy --no-error-summary "samples/$sample.py"; done
pyright --warnings
# Names that no longer exist, in programs that no test runs.
mypy --no-error-summary --config-file= --check-untyped-defs --ignore-missing-imports \
    --disable-error-code arg-type --disable-error-code index --disable-error-code union-attr \
    --disable-error-code var-annotated ../benches/*.py
python -m mypy.stubtest wxlink --mypy-config-file pyproject.toml --allowlist stubtest-allowlist.txt
