#!/bin/sh
# Checks the formatting and the lints of all Rust code, the layout of C and C++, and the workflow.
# python/test.sh checks the Python code.
set -eu
cd "$(dirname "$0")/.."
. tools/need.sh
cargo=${CARGO:-cargo}

if "$cargo" fmt --version > /dev/null 2>&1; then
    "$cargo" fmt --all --check
else
    skip formatting "rustfmt is not installed" || :
fi

clippy() { # CARGO-ARGUMENT...
    "$cargo" clippy --locked --quiet "$@" -- --deny warnings
}
if "$cargo" clippy --version > /dev/null 2>&1; then
    clippy --workspace --exclude wxlink-python --exclude wxlink-node --all-targets
    # Its functions are called by Node only, so as a test they would be unused.
    clippy --package wxlink-node
    # The library without the stores, which docs/installing.md promises can be built.
    clippy --package wxlink --lib --no-default-features --features capi
    # The command without the simulator.
    clippy --package wxlink-cli --no-default-features
else
    skip lints "clippy is not installed" || :
fi

# Debian has neither of these in a version that reads our files.
if clang-format --version 2> /dev/null | grep -q 'version [2-9][0-9]'; then
    git ls-files -z '*.c' '*.cpp' '*.hpp' | xargs -0 clang-format --dry-run -Werror
else
    skip_even_in_ci "the layout of C and C++" "clang-format 20 or newer is not installed" || :
fi
if command -v actionlint > /dev/null; then
    actionlint
else
    skip_even_in_ci "the workflow" "actionlint is not installed" || :
fi
