# Sourced by run.sh and test.sh, which first define missing(), called with the name of what is not
# installed. It compiles Wxlink.Net.dll; the script then calls compile for the rest. Sets root, lib
# (the folder of the libraries) and out (the one that is built in), and lets programs find the
# library.

csharp_dir=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$csharp_dir/../.." && pwd)
lib=$(cd "${WXLINK_LIB_DIR:-$root/target/release}" && pwd)
out=${WXLINK_BUILD_DIR:-$root/target/bindings/csharp}

for tool in mcs mono; do
    command -v "$tool" > /dev/null || missing "$tool"
done
mkdir -p "$out"
out=$(cd "$out" && pwd)
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# compile TARGET SOURCES OPTION-OF-MCS...: compiles SOURCES, a file or a folder, into $out/TARGET if
# it is out of date. It is built elsewhere and then moved, because other programs may be using the
# old one.
compile() {
    target=$1
    sources=$2
    shift 2
    newer=$(find "$sources" "$csharp_dir/src" "$csharp_dir/build.sh" \
        -newer "$out/$target" 2> /dev/null || echo all)
    [ -f "$out/$target" ] && [ -z "$newer" ] && return
    [ -f "$sources" ] || sources=$sources/*.cs
    work=$(mktemp -d "$out/work.XXXXXX")
    # shellcheck disable=SC2086 # The names in $sources are to be expanded.
    (cd "$work" && mcs -nologo -langversion:7.2 -codepage:utf8 -warnaserror+ -optimize+ \
        -out:"$target" "$@" $sources) > "$work.log" 2>&1 || {
        cat "$work.log" >&2
        rm -rf "$work" "$work.log"
        exit 1
    }
    mv "$work"/* "$out"
    rm -r "$work" "$work.log"
}

compile Wxlink.Net.dll "$csharp_dir/src" -target:library -doc:Wxlink.Net.xml
[ "$out/Wxlink.Net.dll.config" -nt "$csharp_dir/src/Wxlink.Net.dll.config" ] ||
    cp "$csharp_dir/src/Wxlink.Net.dll.config" "$out"
