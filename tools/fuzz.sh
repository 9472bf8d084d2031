#!/bin/sh
# Fuzzes each target, with a nightly compiler and cargo-fuzz, which it installs:
#   tools/fuzz.sh SECONDS
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
"$cargo" install --quiet --locked --root target/tools cargo-fuzz@0.13.2
export PATH="$PWD/target/tools/bin:$PATH"
for target in answer exec list options pointer push record rows token; do
    mkdir -p target/fuzz/$target
    "$cargo" +nightly fuzz run --target x86_64-unknown-linux-gnu $target \
        target/fuzz/$target fuzz/corpus/$target -- -max_total_time="$1" -max_len=4096
done
