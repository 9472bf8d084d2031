#!/bin/sh
# Runs a program: run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if a tool is not installed.
set -eu

missing() {
    echo "java: $1 is not installed" >&2
    exit 127
}

sources=samples
case ${1-} in
link) program=samples.Link ;;
list) program=samples.List ;;
refusal) program=samples.Refusal ;;
unlink) program=samples.Unlink ;;
conform)
    program=conform.Conform
    sources=conform
    ;;
*)
    echo "usage: run.sh link|list|refusal|unlink|conform ARGUMENTS" >&2
    exit 2
    ;;
esac
shift

. "$(dirname "$0")/build.sh"
compile $sources "$classpath"
# With this locale arguments and output are UTF-8 with every JDK.
LC_ALL=C.UTF-8 exec java $native -Djna.library.path="$lib" -Djna.tmpdir="$out" \
    -cp "$classpath:$out/wxlink-$sources.jar" "$program" "$@"
