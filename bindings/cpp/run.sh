#!/bin/sh
# Compiles a program of this folder if it is out of date, and runs it:
#   run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if there is no compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/cpp}
cxx=${CXX:-c++}
command -v "$cxx" > /dev/null || {
    echo "cpp: $cxx is not installed" >&2
    exit 127
}
name=$1
shift
program="$build/$name"
for source in "$here/$name.cpp" "$root"/include/wxlink.h* "$lib/libwxlink.so"; do
    [ "$program" -nt "$source" ] || stale=yes
done
if [ "${stale:-}" = yes ]; then
    mkdir -p "$build"
    ln -sf "$lib/libwxlink.so" "$build/libwxlink.so.1"
    # Built beside the old program, which may be running, and then moved over it.
    "$cxx" -std=c++17 -O1 -Wall -Wextra -Wconversion -Werror "$here/$name.cpp" \
        -I"$root/include" -L"$lib" -lwxlink -Wl,-rpath,"$build" -o "$program.$$"
    mv "$program.$$" "$program"
fi
exec "$program" "$@"
