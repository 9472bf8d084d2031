#!/bin/sh
# Runs tests of the C interface's handles and texts under Miri, which needs a nightly compiler.
# Exits with 0 if there is none.
set -eu
cd "$(dirname "$0")/.."
. tools/need.sh
cargo=${CARGO:-cargo}

"$cargo" +nightly miri --version > /dev/null 2>&1 ||
    skip_even_in_ci "the tests under Miri" "a nightly compiler with miri is not installed" ||
    exit 0
export MIRIFLAGS=-Zmiri-disable-isolation
"$cargo" +nightly miri test --locked --package wxlink --test corpus pointers
"$cargo" +nightly miri test --locked --package wxlink --lib -- \
    ffi::tests::versions ffi::tests::every_status_and_class_has_its_text
