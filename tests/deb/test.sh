#!/bin/bash
# Tests the Debian packages that tools/deb.py made: lintian, the same bytes when they are made
# again, and everything from the installation to the purge in a clean root of this Debian, where
# systemd runs the service. A failed run leaves its logs in target/test-deb.
#
# The second part, in the clean root, needs root: another user is asked for it by sudo. The
# compilers run as the user.
#
# The root is made by debootstrap from the mirror that apt uses here, and kept in
# target/test-deb/base for the next run.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
made=$root/target/deb
work=$root/target/test-deb
. "$root/tools/need.sh"

# debootstrap is not in the PATH of every user.
PATH=$PATH:/usr/sbin:/sbin
need "test-deb" dpkg-buildpackage dh_python3 debootstrap lintian systemd-nspawn \
    systemd-analyze || exit
as_root=()
[ "$(id -u)" = 0 ] || { need "test-deb" sudo && as_root=(sudo); } || exit

fail() {
    echo "test-deb: $1" >&2
    exit 1
}

mkdir -p "$work"
inside=$work/inside
packages=(libwxlink1 libwxlink-dev wxlink wxlink-sandbox python3-wxlink)
changes=("$made"/*.changes)
version=$(sed -n 's/^Version: //p' "${changes[0]}")

if [ "${1:-}" != in-a-root ]; then
    for package in "${packages[@]}"; do
        ls "$made/${package}_${version}"_*.deb > /dev/null || fail "no $package; run make deb first"
    done

    # Without its remarks (--info): those on binaries are about C and about texts of other crates.
    lintian --allow-root --fail-on error,warning --tag-display-limit 0 "${changes[0]}" ||
        fail "lintian has errors or warnings"
    echo "ok  	lintian"

    "${PYTHON:-python3}" "$root/tools/deb.py" --out "$work/again" > /dev/null
    for file in "$made"/*.deb; do
        cmp "$file" "$work/again/${file##*/}" || fail "${file##*/} is not reproducible"
    done
    echo "ok  	the same packages when they are made again"

    # An upgrade starts from packages with a lower version.
    "${PYTHON:-python3}" "$root/tools/deb.py" --out "$work/old" --version "$version~1" > /dev/null
    dpkg --compare-versions "$version~1" lt "$version"

    # What runs in the root, from the checkout.
    rm -rf "$inside" "$work/out"
    mkdir -p "$inside/old" "$inside/new" "$work/out"
    cp "$here/inside.py" "$root/tools/with_sandbox.py" "$root/bindings/c/link.c" \
        "$root/python/samples/link.py" "$inside"
    cp "$work"/old/*.deb "$inside/old"
    cp "$made"/*.deb "$inside/new"
    # Mounts of the second part are seen by it alone, and end with it.
    exec "${as_root[@]}" unshare --mount "$0" in-a-root
fi

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
base=$work/base-$codename
if [ ! -e "$base.complete" ]; then
    rm -rf "$base"
    apt-get indextargets --format '$(REPO_URI) $(SOURCESENTRY)' 'Identifier: Packages' \
        "Codename: $codename" 'Component: main' \
        "Architecture: $(dpkg --print-architecture)" > "$work/mirror"
    read -r mirror entry < "$work/mirror" || fail "apt knows no mirror of $codename"
    keyring=$(sed -n 's/^Signed-By: *\(\/.*\)/\1/p; s/.*signed-by=\([^] ]*\).*/\1/p' \
        "${entry%:*}" | head -n 1)
    debootstrap --variant=minbase --include=systemd-sysv,man-db \
        ${keyring:+--keyring="$keyring"} "$codename" "$base" "$mirror" > "$work/log" ||
        fail "debootstrap: see $work/log"
    [ -z "$keyring" ] || cp "$keyring" "$base/etc/apt/trusted.gpg.d"
    # A proxy, and what apt accepts here.
    apt-config dump Acquire > "$base/etc/apt/apt.conf.d/90acquire"
    touch "$base.complete"
fi

# systemd-nspawn refuses to clean its folder up if that is not a file system of its own.
mkdir -p /run/systemd/nspawn
mount -t tmpfs wxlink /run/systemd/nspawn

# The scratch root: the base, and a layer above it that gets all changes.
layer=$work/layer
clean=$work/root
rm -rf "$layer"
mkdir -p "$layer/upper" "$layer/work" "$clean"
mount -t overlay -o "lowerdir=$base,upperdir=$layer/upper,workdir=$layer/work" wxlink "$clean"

# in_root OPTION... -- COMMAND...
in_root() {
    systemd-nspawn --quiet --register=no --keep-unit --directory="$clean" \
        --bind-ro="$inside:/test" --bind="$work/out:/out" \
        --setenv=DEBIAN_FRONTEND=noninteractive --setenv=LC_ALL=C.UTF-8 "$@"
}

# Every path of the root, except caches, logs, and what every start of systemd writes.
paths() {
    (cd "$clean" && find . -xdev \
        \( -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt -o -path ./tmp \
        -o -path ./var/tmp -o -path ./run \) -prune -o -print | sort)
}

in_root --pipe /bin/sh -e > "$work/log" 2>&1 << 'END' || fail "apt-get: see $work/log"
apt-get update
# The tools of the tests, then what the packages depend on: apt-get must find all of it.
apt-get install --yes --no-install-recommends \
    gcc libc6-dev pkg-config zsh fish bash-completion
apt-get install --simulate --no-install-recommends /test/old/*.deb > /tmp/plan
apt-get install --yes --no-install-recommends \
    $(sed -n 's/^Inst \([^ ]*\) .*/\1/p' /tmp/plan | grep -v wxlink)
END
boot() { # STORY
    cat > "$clean/etc/systemd/system/story.service" << END
[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
ExecStart=$1
StandardOutput=append:/out/log
StandardError=inherit
TimeoutStartSec=15min
END
    rm -f "$work/out/log"
    # A network of its own: the service listens on its usual port.
    in_root --private-network --console=pipe --boot systemd.unit=story.service \
        > "$work/console" 2>&1 < /dev/null
}

# The first start of systemd writes files of its own.
boot /bin/true || fail "systemd does not start: see $work/console"
paths > "$work/before"
in_root --pipe /bin/sh -ec 'apt-get install --yes --no-install-recommends /test/old/*.deb' \
    > "$work/log" 2>&1 < /dev/null || fail "apt-get install: see $work/log"
echo "ok  	installed, with what they depend on"
code=0
boot "/usr/bin/python3 /test/inside.py $version" || code=$?
cat "$work/out/log"
[ "$code" = 0 ] && grep -q '^all passed$' "$work/out/log" ||
    fail "the story ended with $code; see $work/out/log and $work/console"
paths > "$work/after"
diff "$work/before" "$work/after" || fail "files are left, or missing, after the purge"
echo "ok  	nothing is left"
echo "make test-deb: all passed"
