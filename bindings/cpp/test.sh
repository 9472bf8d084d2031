#!/bin/sh
# Compiles every program of this folder with each compiler in each standard, and runs test.cpp
# against a simulator, also under AddressSanitizer and UndefinedBehaviorSanitizer.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox, WXLINK_BUILD_DIR the one to build
# in. Exits with 77 if it is skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/cpp}
. "$root/tools/need.sh"
need "C++" python3 || exit

mkdir -p "$build"
ln -sf "$lib/libwxlink.so" "$build/libwxlink.so.1"
warnings="-Wall -Wextra -Wconversion -Wshadow -pedantic -Werror"
trap 'rm -f "$build/test.$$"' EXIT

run_tests() { # COMPILER FLAG...
    # shellcheck disable=SC2086
    "$@" -std=c++17 $warnings "$here/test.cpp" "$here/second.cpp" -I"$root/include" -L"$lib" \
        -lwxlink -pthread -Wl,-rpath,"$build" -o "$build/test.$$"
    "$root/tools/with_sandbox.py" "$build/test.$$"
}

for cxx in g++ clang++; do
    need "C++ with $cxx" $cxx || continue
    for standard in 17 20 2b; do
        for source in "$here"/*.cpp; do
            # shellcheck disable=SC2086
            $cxx -std=c++$standard $warnings -fsyntax-only -I"$root/include" "$source"
        done
    done
    run_tests $cxx -O1
    # Clang's sanitizers come in a separate package, which is not required.
    if [ $cxx = g++ ]; then
        run_tests $cxx -g -fsanitize=address,undefined -fno-sanitize-recover=all
    fi
done
