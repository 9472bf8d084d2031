#!/bin/sh
# Runs a sample: run.sh link|list|refusal|unlink ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, WXLINK_BUILD_DIR the one to build in. Exits with 127
# if a tool is not installed.
set -eu

missing() {
    echo "java: $1 is not installed" >&2
    exit 127
}

case ${1-} in
link) sample=Link ;;
list) sample=List ;;
refusal) sample=Refusal ;;
unlink) sample=Unlink ;;
*)
    echo "usage: run.sh link|list|refusal|unlink ARGUMENTS" >&2
    exit 2
    ;;
esac
shift

. "$(dirname "$0")/build.sh"
compile samples "$classpath"
# With this locale arguments and output are UTF-8 with every JDK.
LC_ALL=C.UTF-8 exec java $native -Djna.library.path="$lib" -Djna.tmpdir="$out" \
    -cp "$classpath:$out/wxlink-samples.jar" "samples.$sample" "$@"
