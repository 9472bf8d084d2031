# Sourced by run and test, which set name: what they need to build Go programs in the checkout.
# Nothing is written outside it. The Go found is 1.24 or newer, in PATH or in the checkout's .venv.

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd) || exit 1
build=${WXLINK_BUILD_DIR:-$root/target/bindings/go}
mkdir -p "$build" && build=$(cd "$build" && pwd) || exit 1

# Takes a go if it is new enough.
use_go() {
    command -v "$1" >/dev/null || return 1
    version=$(GOTOOLCHAIN=local "$1" version 2>/dev/null) || return 1
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
