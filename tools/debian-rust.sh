#!/bin/sh
# Makes a Rust toolchain with the standard libraries that rustup has not installed, out of Debian's own
# packages (rustc-web: a current compiler, built and signed by Debian) and without installing any of them.
#
#   debian-rust.sh FOLDER    afterwards FOLDER/rustc builds for x86_64 and aarch64 Linux with glibc, and with
#                            -Zbuild-std for whatever else it knows
#
# Exits with 127 where that is not to be had: no Debian on x86_64, or a release without rustc-web.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ -x "$folder/rustc" ] && exit
command -v apt-get > /dev/null && [ "$(dpkg --print-architecture)" = amd64 ] || exit 127

# Lists and cache of its own: the machine's configuration stays as it is.
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: > "$apt/status"
get() {
    command=$1
    shift
    "apt-$command" -qq -o Debug::NoLocking=true -o APT::Architecture=amd64 -o APT::Architectures::=amd64 \
        -o APT::Architectures::=arm64 -o APT::Sandbox::User="$(id -un)" -o Dir::State::lists="$apt/lists" \
        -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" "$@"
}
get get update
dev=$(get cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
llvm=$(get cache depends "${dev:-none}" 2> /dev/null | sed -n 's/.*Depends: \(libllvm[0-9]*\)$/\1/p')
[ -n "$llvm" ] || exit 127
(cd "$apt" && get get download rustc-web "$dev" libstd-rust-web-dev libstd-rust-web-dev:arm64 rust-web-src "$llvm")
for package in "$apt"/*.deb; do
    dpkg --extract "$package" "$folder"
done
rm -r "$apt"
cat > "$folder/rustc.new" <<RUSTC
#!/bin/sh
LD_LIBRARY_PATH=$folder/usr/lib/x86_64-linux-gnu\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH} exec $folder/usr/bin/rustc "\$@"
RUSTC
chmod +x "$folder/rustc.new"
"$folder/rustc.new" --version > /dev/null || exit 127
mv "$folder/rustc.new" "$folder/rustc"
