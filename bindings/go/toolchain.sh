# Sourced by run.sh and test.sh: finds Go 1.24 or newer, in the PATH or in the checkout's .venv, and
# sets it up so that nothing is written outside the checkout.
#
# Sets here (this folder), root, lib (the folder of the libraries) and build (the one to build in);
# find_go sets go, or returns 1.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd) || exit 1
build=${WXLINK_BUILD_DIR:-$root/target/bindings/go}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 1

# Sets go to a program if it is new enough.
use_go() {
    command -v "$1" > /dev/null || return 1
    version=$(GOTOOLCHAIN=local "$1" version 2> /dev/null) || return 1
    minor=$(expr "$version" : '.* go1\.\([0-9]*\)') || return 1
    [ "$minor" -ge 24 ] && go=$1
}

find_go() {
    use_go go || use_go "$root/.venv/bin/go"
}

export GOTOOLCHAIN=local GOPROXY=off GOWORK=off GOENV=off GOFLAGS=-tags=wxlink_nopkgconfig
export GOCACHE="$build/cache" GOPATH="$build/path" CGO_ENABLED=1
export CGO_CFLAGS="-O2 -g '-I$root/include'"
export CGO_LDFLAGS="'-L$lib' '-Wl,-rpath,$lib'"
