#!/bin/sh
# Checks the formatting and the lints of all Rust code.
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
    clippy --all-targets
    # The library without the stores, which docs/tokens.md promises can be built.
    clippy --package wxlink --lib --no-default-features --features capi
    # The command without the simulator.
    clippy --package wxlink-cli --no-default-features
else
    skip lints "clippy is not installed" || :
fi
