#!/bin/sh
# Compiles a program of this folder if it is out of date, and runs it:
#   run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if Go or a C compiler is not installed.
. "$(dirname "$0")/toolchain.sh"

missing() {
    echo "go: $1 is not installed" >&2
    exit 127
}
find_go || missing "Go 1.24 or newer"
export CC="${CC:-cc}"
command -v "$CC" > /dev/null || missing "$CC"

case ${1-} in
link | list | refusal | unlink) package=./examples/$1 ;;
conform) package=./internal/conform ;;
*)
    echo "usage: run.sh link|list|refusal|unlink|conform ARGUMENTS" >&2
    exit 2
    ;;
esac
program=$build/$1
shift

# Go knows what is out of date. Built beside the old program, which may be running, and then moved
# over it.
(cd "$here" && "$go" build -o "$program.$$" "$package" && mv "$program.$$" "$program") || exit 1
exec "$program" "$@"
