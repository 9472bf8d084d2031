#!/bin/sh
# Builds the native part of the package into prebuilds/: build.sh [--release]
#
# Without --release it is a debug build, for tests. Does nothing if it is up to date. Exits with 127
# if Node is not installed or too old.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
profile=debug
flags=
if [ "${1:-}" = --release ]; then
    profile=release
    flags=--release
    # No path of this machine is in what is built, as with `make build`.
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$root=/wxlink"
    export RUSTFLAGS="$RUSTFLAGS --remap-path-prefix=$cargo_home=/cargo"
fi
if ! node --eval 'process.exit(Number(parseInt(process.versions.node, 10) < 18))' 2> /dev/null; then
    echo "node: Node 18 or newer is not installed" >&2
    exit 127
fi
folder=$here/prebuilds/$(node --print 'process.platform + "-" + process.arch')
binary=$folder/wxlink.node
# Its own folder: with other features, cargo would write over the library that the other crates use.
target=${CARGO_TARGET_DIR:-$root/target}/node
built=$target/$profile/node-built
if [ -e "$binary" ] && [ -e "$built" ] && [ -z "$(
    find "$root/src" "$root/Cargo.lock" "$here/src" "$here/Cargo.toml" -newer "$built" |
        head -n 1
)" ]; then
    exit
fi
mkdir -p "$folder" "$target/$profile"
touch "$built.started"
# Another profile's file is in the folder from now on.
rm -f "$target"/*/node-built
(cd "$here" && "${CARGO:-cargo}" build --quiet --locked $flags --target-dir "$target")
# A running process may have the old file open.
cp "$target/$profile/libwxlink_node.so" "$binary.new"
mv "$binary.new" "$binary"
mv "$built.started" "$built"
