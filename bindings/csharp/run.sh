#!/bin/sh
# Compiles a program if it is out of date, and runs it with Mono:
#   run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so.1, WXLINK_BUILD_DIR the one to build in. Exits with
# 127 if Mono is not installed.
set -eu

missing() {
    echo "csharp: $1 is not installed" >&2
    exit 127
}

case ${1-} in
link) source=samples/Link.cs ;;
list) source=samples/List.cs ;;
refusal) source=samples/Refusal.cs ;;
unlink) source=samples/Unlink.cs ;;
conform) source=conform/Conform.cs ;;
*)
    echo "usage: run.sh link|list|refusal|unlink|conform ARGUMENTS" >&2
    exit 2
    ;;
esac
program=$1.exe
shift

. "$(dirname "$0")/build.sh"
compile "$program" "$csharp_dir/$source" -reference:"$out/Wxlink.Net.dll"
exec mono "$out/$program" "$@"
