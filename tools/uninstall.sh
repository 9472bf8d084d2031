#!/bin/sh
# Removes the files that tools/install.sh installs with the same settings, and the folders named
# wxlink.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage STRIP=no-strip "$root/tools/install.sh"
destdir=${DESTDIR:-}
(cd "$stage" && find . ! -type d) | while read -r file; do
    rm -f "$destdir/${file#./}"
done
(cd "$stage" && find . -type d -name wxlink) | while read -r folder; do
    rmdir "$destdir/${folder#./}"
done
