#!/bin/sh
# Runs a program: run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# WXLINK_LIB_DIR is the folder of libwxlink.so.1. Exits with 127 if PHP or its extension FFI is not
# installed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
export WXLINK_LIB_DIR="${WXLINK_LIB_DIR:-$here/../../target/release}"

case ${1-} in
link | list | refusal | unlink) program=$here/samples/$1.php ;;
conform) program=$here/conform.php ;;
*)
    echo "usage: run.sh link|list|refusal|unlink|conform ARGUMENTS" >&2
    exit 2
    ;;
esac
shift

missing() {
    echo "php: $1 is not installed" >&2
    exit 127
}
command -v php > /dev/null || missing php
php -r 'exit((int) !extension_loaded("ffi"));' || missing "the PHP extension FFI"
export LD_LIBRARY_PATH="$WXLINK_LIB_DIR${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec php -d ffi.enable=1 "$program" "$@"
