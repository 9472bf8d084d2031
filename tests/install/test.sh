#!/bin/bash
# Installs into a scratch prefix, and builds users' programs from nothing but the installed files: C
# and Go with pkg-config, C++ with CMake, and static ones. Runs each program against a simulator.
#
# WXLINK_LIB_DIR    the folder of the libraries and programs: target/release if unset
# WXLINK_BUILD_DIR  the folder to build in: target/test-install if unset
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export WXLINK_LIB_DIR=${WXLINK_LIB_DIR:-$root/target/release}
build=${WXLINK_BUILD_DIR:-$root/target/test-install}
rm -rf "$build"
mkdir -p "$build"
build=$(cd "$build" && pwd)
prefix=$build/prefix
libdir=$prefix/lib/there
static_limit=3630000
# Settings of a make that runs this script, and those that would lead to the files of the checkout.
unset PREFIX LIBDIR DESTDIR FROM RELOCATABLE STATIC_LIBS
unset CPATH LIBRARY_PATH LD_LIBRARY_PATH CGO_CFLAGS CGO_LDFLAGS
# The command's own files, so that it neither reads nor changes the user's.
export XDG_STATE_HOME=$build/state XDG_CONFIG_HOME=$build/config
. "$root/tools/need.sh"
need "test-install" python3 || exit

fail() {
    echo "test-install: $1" >&2
    exit 1
}

run_link() { # WHAT PROGRAM
    output=$(WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN \
        "$root/tools/with_sandbox.py" "$2" wx0b00000000000001 0 1)
    [ "$output" = "The invitation is out." ] || fail "$1: $output"
    echo "ok  	$1"
}

# No file contains a packager's staging folder, and all files are below PREFIX.
stage=$build/stage
PREFIX=/opt/wx DESTDIR=$stage "$root/tools/install.sh"
! grep -rlF --binary-files=text "$stage" "$stage" || fail "files contain the staging folder"
[ "$(ls "$stage")" = opt ] || fail "something was installed outside the prefix"
grep -q '^prefix=/opt/wx$' "$stage/opt/wx/lib/pkgconfig/wxlink.pc"

# Installing again, into a relative folder this time, and uninstalling leaves only folders that are
# shared with other software.
(cd "$build" && PREFIX=/opt/wx DESTDIR=stage "$root/tools/install.sh")
PREFIX=/opt/wx DESTDIR=$stage "$root/tools/uninstall.sh"
left=$(find "$stage" ! -type d -o -name wxlink)
[ -z "$left" ] || fail "uninstall leaves $left"
# A .pc file cannot contain a space.
! PREFIX="$build/two words" "$root/tools/install.sh" 2> /dev/null || fail "PREFIX with a space"
[ ! -e "$build/two words" ] || fail "the refused PREFIX was created"

PREFIX=$prefix LIBDIR=$libdir "$root/tools/install.sh"
# ldconfig, which belongs to the dynamic linker, agrees with the link that was installed.
before=$(readlink "$libdir/libwxlink.so.1")
PATH=$PATH:/sbin:/usr/sbin ldconfig -n "$libdir"
[ "$(readlink "$libdir/libwxlink.so.1")" = "$before" ] || fail "ldconfig changed libwxlink.so.1"
[ -e "$libdir/libwxlink.so" ] || fail "libwxlink.so is a dangling link"
for function in $(sed 's/(.*//; s/.*[ *]//' "$prefix"/share/wxlink/*.symbols); do
    grep -q "$function(" "$prefix/share/man/man3/wxlink.3" ||
        fail "$function is missing in the manual page"
done
! grep -r '@[A-Z_]*@' "$prefix/share" "$libdir/pkgconfig" "$libdir/cmake" ||
    fail "a template has an unreplaced variable"
version=$("$prefix/bin/wxlink" --version)
expected="wxlink $(sed -n 's/^Version: //p' "$libdir/pkgconfig/wxlink.pc")"
[ "$version" = "$expected" ] || fail "the command has the version $version, not $expected"
for page in wxlink wxlink-link wxlink-doctor; do
    [ -s "$prefix/share/man/man1/$page.1" ] || fail "$page.1 is missing"
done
bash -n "$prefix/share/bash-completion/completions/wxlink"
for script in zsh/site-functions/_wxlink fish/vendor_completions.d/wxlink.fish; do
    [ -s "$prefix/share/$script" ] || fail "$script is missing"
done
code=0
output=$(WXLINK_ACCESS_TOKEN=SANDBOX-TOKEN "$root/tools/with_sandbox.py" "$prefix/bin/wxlink" \
    ensure wx0b00000000000001 --notify-users no --show-profile yes --json) || code=$?
case "$code $output" in
"3 "*'"state":"pending"'*) echo "ok  	the command" ;;
*) fail "the command ends with $code: $output" ;;
esac
if need "the manual page" man groff; then
    warnings=$(LC_ALL=C.UTF-8 MANWIDTH=200 man --warnings -l "$prefix/share/man/man3/wxlink.3" \
        2>&1 > "$build/wxlink.txt")
    [ -z "$warnings" ] || fail "manual page: $warnings"
    grep -q wx_ensure_linked "$build/wxlink.txt"
    echo "ok  	the manual page"
fi

out=$build/user
mkdir "$out"
cp "$root/bindings/c/link.c" "$root/bindings/cpp/link.cpp" "$out"
cd "$out"

pc() { # ARGUMENT-OF-PKG-CONFIG...
    PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config "$@" wxlink
}
has_pkg_config=
if need "C and Go programs with pkg-config" pkg-config; then
    has_pkg_config=yes
    cc=${CC:-cc}
    $cc link.c $(pc --cflags --libs) -o link_c
    LD_LIBRARY_PATH=$libdir run_link "C with pkg-config" ./link_c
    $cc -s link.c $(pc --cflags) $(pc --variable=static) -o link_c_static
    ! ldd link_c_static | grep libwxlink || fail "the static C program needs the shared library"
    bytes=$(wc -c < link_c_static)
    [ "$bytes" -lt $static_limit ] ||
        fail "the static C program has $bytes bytes; $static_limit are allowed"
    run_link "C, static, $bytes bytes" ./link_c_static
    # Without a shared library the flags that --static adds are enough.
    cp -r "$prefix" "$build/without"
    rm "$build"/without/lib/there/libwxlink.so*
    flags=$(pc --define-variable=libdir="$build/without/lib/there" --static --cflags --libs)
    $cc link.c $flags -o link_c_private
    run_link "C, static with Libs.private" ./link_c_private
fi

if ! command -v cmake > /dev/null && [ -x "$root/.venv/bin/pip" ]; then
    "$root/.venv/bin/pip" install --quiet --disable-pip-version-check cmake==4.4.4 || true
    PATH=$PATH:$root/.venv/bin
fi
if need "programs with CMake" cmake; then
    cp "$here/cpp/CMakeLists.txt" .
    # The package can be moved to another folder.
    cp -r "$prefix" "$build/moved"
    cmake -S . -B cmake -Dwxlink_DIR="$build/moved/lib/there/cmake/wxlink" > cmake.log 2>&1 &&
        cmake --build cmake >> cmake.log 2>&1 || {
        cat cmake.log
        fail CMake
    }
    run_link "C++ with CMake" cmake/link_cpp
    ! ldd cmake/link_static | grep libwxlink || fail "wxlink_static needs the shared library"
    run_link "C with CMake, static" cmake/link_static
fi

go=
for candidate in go "$root/.venv/bin/go"; do
    version=$(GOTOOLCHAIN=local "$candidate" version 2> /dev/null || true)
    minor=$(echo "$version" | sed -n 's/.* go1\.\([0-9]*\).*/\1/p')
    [ -n "$go" ] || [ "${minor:-0}" -lt 24 ] || go=$candidate
done
if [ -z "$go" ]; then
    skip "Go programs" "Go 1.24 or newer is not installed" || :
elif [ -n "$has_pkg_config" ]; then
    mkdir gouser
    cp "$here/go/go.mod" gouser
    cp "$root/bindings/go/examples/link/main.go" gouser
    (
        cd gouser
        export GOTOOLCHAIN=local GOPROXY=off GOWORK=off GOENV=off GOFLAGS= CGO_ENABLED=1
        export GOCACHE=$build/go-cache GOPATH=$build/go-path PKG_CONFIG_PATH=$libdir/pkgconfig
        "$go" mod edit -replace "wxlink.dev/go/wxlink=$root/bindings/go"
        "$go" mod vendor
        "$go" build -mod=vendor -o link_go .
        export CGO_CFLAGS="$(pc --cflags)" CGO_LDFLAGS="-L$libdir"
        "$go" build -mod=vendor -tags wxlink_static -o link_go_static .
    )
    LD_LIBRARY_PATH=$libdir run_link "Go with pkg-config" gouser/link_go
    run_link "Go, static" gouser/link_go_static
fi
echo "make test-install: all passed"
