#!/bin/sh
# Compiles a COBOL program if it is out of date, and runs it:
#   run.sh link|list|refusal|unlink|batch|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if there is no compiler, and with 126 if the program does not compile.
set -eu
command -v cobc > /dev/null || {
    echo "cobol: cobc is not installed" >&2
    exit 127
}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
build=${WXLINK_BUILD_DIR:-$root/target/bindings/cobol}

name=${1:?usage: run.sh link|list|refusal|unlink|batch|conform ARGUMENTS}
shift
case $name in
batch) source=$here/WXBATCH.cob ;;
conform | small | verbs) source=$here/tests/$name.cob ;;
*) source=$here/samples/$name.cob ;;
esac

program=$build/$name
if [ ! -x "$program" ] || [ -n "$(find "$here" -name '*.c??' -newer "$program")" ]; then
    mkdir -p "$build"
    # Built beside the old program, which may be running, and then moved over it.
    cobc -x -fstatic-call -I "$here" -o "$program.$$" \
        "$source" "$here/WXCALL.cob" "$here/WXITEM.cob" -L "$lib" -lwxlink || exit 126
    mv "$program.$$" "$program"
fi
LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$program" "$@"
