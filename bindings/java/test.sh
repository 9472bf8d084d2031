#!/bin/sh
# Runs the tests of the Java binding against a simulator.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so and wxlink-sandbox, WXLINK_BUILD_DIR the one to build
# in. JNA and JUnit are downloaded once from Maven Central into target/jars. Exits with 77 if the
# tests are skipped (tools/need.sh).
set -eu
. "$(dirname "$0")/../../tools/need.sh"

missing() {
    skip Java "$1 is not installed" || exit
}

need Java python3 || exit
. "$(dirname "$0")/build.sh"
# JUnit 5.N comes with version 1.N of its platform.
platform=1.$(version_of junit | cut -d . -f 2-)
junit=junit-platform-console-standalone-$platform.jar
fetch "org/junit/platform/junit-platform-console-standalone/$platform" "$junit" \
    7c6968cbcaf4301c729f202b23b7d736c5d88be625fc7d27ad5d746146a8bc28
compile samples "$classpath"
compile test "$classpath:$jars/$junit"
classpath=$classpath:$out/wxlink-test.jar
export LC_ALL=C.UTF-8
exec "$root/tools/with_sandbox.py" java $native -Djna.library.path="$lib" -Djna.tmpdir="$out" \
    -Dwxlink.checkout="$root" -jar "$jars/$junit" execute \
    --class-path "$classpath" --scan-class-path "$out/wxlink-test.jar" \
    --fail-if-no-tests --disable-banner --details=tree --disable-ansi-colors
