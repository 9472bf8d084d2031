#!/bin/sh
# Compiles the programs of this folder in strict C89 with each compiler that is installed, and
# checks what they print against a simulator (story.sh). tests/c_interface.rs tests them linked
# statically and under valgrind.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox, WXLINK_BUILD_DIR the one to build
# in. Exits with 77 if it is skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/c}
. "$root/tools/need.sh"
need "the C samples" python3 || exit

compilers=
for cc in gcc clang; do
    ! command -v $cc > /dev/null || compilers="$compilers $cc"
done
[ -n "$compilers" ] || skip "the C samples" "neither gcc nor clang is installed" || exit
programs=$build/test.$$
trap 'rm -rf "$programs"' EXIT
trap 'exit 1' HUP INT TERM
for cc in $compilers; do
    mkdir -p "$programs"
    ln -sf "$lib/libwxlink.so" "$programs/libwxlink.so.1"
    for source in "$here"/*.c; do
        $cc -std=c89 -pedantic -O1 -Wall -Wextra -Werror "$source" -I"$root/include" -L"$lib" \
            -lwxlink -Wl,-rpath,"$programs" -o "$programs/$(basename "$source" .c)"
    done
    "$root/tools/with_sandbox.py" "$here/story.sh" "$programs"
    rm -rf "$programs"
done
