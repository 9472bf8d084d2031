#!/bin/sh
# Runs the tests of the PHP binding against a simulator.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so.1 and wxlink-sandbox. Exits with 77 if the tests are
# skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
. "$root/tools/need.sh"

need PHP php python3 || exit
has_extension() { php -r 'exit((int) !extension_loaded($argv[1]));' "$1"; }
has_extension ffi || skip PHP "the PHP extension FFI is not installed" || exit
# all.php leaves out its test of forks without this extension.
has_extension pcntl || skip "forks in PHP" "the PHP extension pcntl is not installed" || :

export WXLINK_LIB_DIR="$lib"
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
# Stack traces contain arguments, so that the tests see whether a token is among them.
exec "$root/tools/with_sandbox.py" php -d ffi.enable=1 -d error_reporting=-1 \
    -d zend.exception_ignore_args=0 "$here/tests/all.php"
