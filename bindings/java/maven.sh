#!/bin/sh
# Runs Maven on this module, with the native library of this machine in the jar and a simulator for
# the tests:
#   maven.sh verify              builds the jar, runs the tests
#   maven.sh -o -q install       without the network; installs into the local repository
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox. Exits with 77 if a tool is not
# installed (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export WXLINK_LIB_DIR="${WXLINK_LIB_DIR:-$root/target/release}"
. "$root/tools/need.sh"
need "Java with Maven" mvn java javac python3 || exit

# The folder's name is JNA's for this machine.
case $(uname -m) in
x86_64) folder=linux-x86-64 ;;
aarch64) folder=linux-aarch64 ;;
*)
    echo "maven.sh: there is no native library for $(uname -m)" >&2
    exit 1
    ;;
esac
natives=$root/target/bindings/java/maven/natives
mkdir -p "$natives/$folder"
cp "$WXLINK_LIB_DIR/libwxlink.so" "$natives/$folder"
exec "$root/tools/with_sandbox.py" mvn --batch-mode --file "$here" \
    -Dwxlink.natives="$natives" "$@"
