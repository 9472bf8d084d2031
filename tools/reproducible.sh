#!/bin/sh
# Builds the same commit from scratch in two folders, and compares the libraries and the command
# byte for byte. It also fails if they contain a path of this machine.
#
#   reproducible.sh [FOLDER]    the folder of the two checkouts: target/reproducible if not given
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-$root/target/reproducible}
rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
first=$work/a
second=$work/the-second/of-two
git clone --quiet "$root" "$first"
# A clone of the first, because the project may have new commits by now.
git clone --quiet "$first" "$second"
for copy in "$first" "$second"; do
    make --silent -C "$copy" build > "$work/build.log" 2>&1 || {
        cat "$work/build.log" >&2
        exit 1
    }
done
for file in libwxlink.so libwxlink.a wxlink; do
    cmp "$first/target/release/$file" "$second/target/release/$file"
    sha256sum "$first/target/release/$file" | sed "s|$first/||"
done
for place in "$work" "$HOME"; do
    for file in libwxlink.so wxlink; do
        ! grep -qF --binary-files=text "$place" "$first/target/release/$file" || {
            echo "reproducible: $file contains the path $place" >&2
            exit 1
        }
    done
done
