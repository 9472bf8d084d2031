#!/bin/sh
# Runs Rust tests under AddressSanitizer, and the tests of threads under ThreadSanitizer. Both need
# a nightly compiler. Exits with 0 if there is none.
set -eu
cd "$(dirname "$0")/.."
. tools/need.sh
cargo=${CARGO:-cargo}
target=x86_64-unknown-linux-gnu
folder=${CARGO_TARGET_DIR:-target}

"$cargo" +nightly --version > /dev/null 2>&1 ||
    skip_even_in_ci "the Rust tests under sanitizers" "a nightly compiler is not installed" ||
    exit 0
CARGO_TARGET_DIR=$folder/asan RUSTFLAGS=-Zsanitizer=address \
    "$cargo" +nightly test --locked --target $target --package wxlink --lib \
    --test ensure --test cancel --test transport --test vectors --test corpus
CARGO_TARGET_DIR=$folder/tsan TSAN_OPTIONS=suppressions=$PWD/tests/tsan.supp \
    RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg wxlink_tsan" \
    "$cargo" +nightly test --locked --target $target --package wxlink --test threads
