#!/bin/sh
# Compiles a Pascal program if it is out of date, and runs it:
#   run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if there is no compiler, and with 126 if the program does not compile.
set -eu
command -v fpc > /dev/null || {
    echo "pascal: fpc is not installed" >&2
    exit 127
}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/pascal}

name=${1:?usage: run.sh link|list|refusal|unlink|conform ARGUMENTS}
shift
case $name in
conform | test_wxlink) source=$here/tests/$name.pas ;;
*) source=$here/samples/$name.pas ;;
esac

program=$build/$name
stale=yes
[ ! -x "$program" ] ||
    stale=$(find "$here" \( -name '*.pas' -o -name '*.inc' \) -newer "$program")
if [ -n "$stale" ]; then
    # Built beside the old program, which may be running, and then moved over it.
    new=$build/$name.$$
    mkdir -p "$new"
    fpc -l- -v0ew -O2 -Fu"$here" -Fu"$here/samples" -Fl"$lib" -FE"$new" "$source" >&2 || exit 126
    mv "$new/$name" "$program"
    rm -r "$new"
fi
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$program" "$@"
