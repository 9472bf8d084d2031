#!/bin/sh
# Installs what `make build` built. Everything comes from the environment:
#
#   PREFIX        the folder to install into: /usr/local if not set
#   LIBDIR        the libraries' folder: $PREFIX/lib if not set
#   UNITDIR       the folder of systemd's units: $PREFIX/lib/systemd/system if not set
#   DESTDIR       is put before every path while copying, for packagers; no file contains it
#   FROM          the folder with libwxlink.so, libwxlink.a, wxlink and wxlink-sandbox:
#                 target/release if not set; the programs and one of the libraries may be missing
#   COMMAND       a wxlink that runs on this machine and writes the manual pages: the one in FROM if
#                 not set
#   STATIC_LIBS   what libwxlink.a needs from the system
#   STRIP         the program that removes the debugging sections from libwxlink.a
#   RELOCATABLE   if set, wxlink.pc finds its folders relative to itself, and there is no unit,
#                 which would need an absolute path: for archives
set -eu
umask 022
root=$(cd "$(dirname "$0")/.." && pwd)
from=${FROM:-$root/target/release}
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-$prefix/lib}
unitdir=${UNITDIR:-$prefix/lib/systemd/system}
destdir=${DESTDIR:-}
# The output of `cargo rustc -- --print native-static-libs` without libc.
static_libs=${STATIC_LIBS--lgcc_s -lutil -lrt -lpthread -lm -ldl}
strip=${STRIP:-strip}
command=${COMMAND:-$from/wxlink}

for path in "$prefix" "$libdir" "$unitdir"; do
    case $path in
    *[\ \|\&\\]*) echo "install: $path contains a space, |, & or \\" >&2; exit 2 ;;
    /*) ;;
    *) echo "install: $path is not an absolute path" >&2; exit 2 ;;
    esac
done
[ -e "$from/libwxlink.so" ] || [ -e "$from/libwxlink.a" ] || {
    echo "install: no library in $from; run make build first" >&2
    exit 1
}

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")
symbols=$root/abi/${version%.*}.symbols
abi=$(sed -n 's/^#define WX_ABI_VERSION //p' "$root/include/wxlink.h")
[ -n "$version" ] && [ -n "$abi" ] && [ -e "$symbols" ]
soname=libwxlink.so.$abi

# relative FROM TO: the path from one folder to another; both are absolute.
relative() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        n = split(from, a, "/+"); m = split(to, b, "/+")
        while (n > 1 && a[n] == "") n--
        while (m > 1 && b[m] == "") m--
        for (i = 1; i <= n && i <= m && a[i] == b[i]; i++) ;
        for (j = i; j <= n; j++) path = path "../"
        for (; i <= m; i++) path = path b[i] "/"
        sub("/$", "", path); print path == "" ? "." : path
    }'
}

put() { # MODE SOURCE TARGET
    mkdir -p "$destdir$(dirname "$3")"
    install -m "$1" "$2" "$destdir$3"
}

fill() { # SOURCE TARGET
    mkdir -p "$destdir$(dirname "$2")"
    sed -e "s|@VERSION@|$version|g" -e "s|@SONAME@|$soname|g" -e "s|@PREFIX@|$pc_prefix|g" \
        -e "s|@LIBDIR@|$pc_libdir|g" -e "s|@STATIC_LIBS@|$static_libs|g" -e "s|@LIBS@|$libs|g" \
        -e "s|@LIBS_PRIVATE@|$libs_private|g" \
        -e "s|@STATIC_LIBS_LIST@|$(echo "$static_libs" | tr -s ' ' ';')|g" \
        -e "s|@TO_PREFIX@|$(relative "$libdir/cmake/wxlink" "$prefix")|g" "$1" > "$destdir$2.new"
    chmod 644 "$destdir$2.new"
    mv "$destdir$2.new" "$destdir$2"
}

completions() { # SHELL TARGET
    mkdir -p "$destdir$(dirname "$prefix/share/$2")"
    "$command" completions "$1" > "$destdir$prefix/share/$2"
}

# Replaces a line of an installed file by the lines of standard input.
insert() { # MARK TARGET
    sed -i -e "/^$1\$/{r /dev/stdin
d}" "$destdir$2"
}

if [ -n "${RELOCATABLE:-}" ]; then
    pc_prefix='${pcfiledir}/'$(relative "$libdir/pkgconfig" "$prefix")
    pc_libdir='${pcfiledir}/..'
else
    pc_prefix=$prefix
    pc_libdir=$libdir
fi
libs='-L${libdir} -lwxlink'
libs_private=$static_libs
if [ -e "$from/libwxlink.so" ]; then
    put 755 "$from/libwxlink.so" "$libdir/$soname.$version"
    ln -sf "$soname.$version" "$destdir$libdir/$soname"
    ln -sf "$soname" "$destdir$libdir/libwxlink.so"
else
    libs="$libs $static_libs"
    libs_private=
fi
if [ -e "$from/libwxlink.a" ]; then
    put 644 "$from/libwxlink.a" "$libdir/libwxlink.a"
    if command -v "$strip" > /dev/null; then
        "$strip" --strip-debug --enable-deterministic-archives "$destdir$libdir/libwxlink.a"
    fi
fi
put 644 "$root/include/wxlink.h" "$prefix/include/wxlink.h"
put 644 "$root/include/wxlink.hpp" "$prefix/include/wxlink.hpp"
fill "$root/tools/install/wxlink.pc.in" "$libdir/pkgconfig/wxlink.pc"
for file in wxlinkConfig wxlinkConfigVersion; do
    fill "$root/tools/install/$file.cmake.in" "$libdir/cmake/wxlink/$file.cmake"
done
# The manual page's synopsis is the symbols file.
man=$prefix/share/man/man3/wxlink.3
fill "$root/tools/install/wxlink.3.in" "$man"
insert @SYNOPSIS@ "$man" < "$symbols"
if [ -e "$from/wxlink" ]; then
    put 755 "$from/wxlink" "$prefix/bin/wxlink"
    mkdir -p "$destdir$prefix/share/man/man1"
    "$command" man "$destdir$prefix/share/man/man1"
    # The page of the simulator, which is a program of its own too, lists its options.
    man=$prefix/share/man/man1/wxlink-sandbox.1
    fill "$root/tools/install/wxlink-sandbox.1.in" "$man"
    "$command" sandbox --help | sed -e '1,/^Usage/d' -e 's/[\\-]/\\&/g' | insert @HELP@ "$man"
    completions bash bash-completion/completions/wxlink
    completions zsh zsh/site-functions/_wxlink
    completions fish fish/vendor_completions.d/wxlink.fish
    [ -n "${RELOCATABLE:-}" ] ||
        fill "$root/tools/install/wxlink-serve.service.in" "$unitdir/wxlink-serve.service"
fi
if [ -e "$from/wxlink-sandbox" ]; then
    put 755 "$from/wxlink-sandbox" "$prefix/bin/wxlink-sandbox"
fi
put 644 "$symbols" "$prefix/share/wxlink/${version%.*}.symbols"
for licence in LICENSE-MIT LICENSE-APACHE; do
    put 644 "$root/$licence" "$prefix/share/doc/wxlink/$licence"
done
