# Sourced by run.sh and test.sh, which first define missing(), called with the name of what is not
# installed. It downloads JNA and compiles the binding; the script then calls compile for the rest.
# Leaves wxlink-main.jar and a jar each for samples and tests in $out. Sets root, lib (the folder of
# the libraries), jars, classpath and native.

java_dir=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$java_dir/../.." && pwd)
lib=${WXLINK_LIB_DIR:-$root/target/release}
out=${WXLINK_BUILD_DIR:-$root/target/bindings/java}
jars=$root/target/jars

for tool in java javac jar; do
    command -v "$tool" > /dev/null || missing "$tool"
done
mkdir -p "$out" "$jars"
out=$(cd "$out" && pwd)

# From JDK 16 on a JVM has an option that permits native code; later JDKs warn without it.
native=--enable-native-access=ALL-UNNAMED
java $native -version > /dev/null 2>&1 || native=

# fetch FOLDER NAME SHA256: downloads a jar from Maven Central unless it is in $jars already.
fetch() {
    if [ ! -f "$jars/$2" ]; then
        url=https://repo1.maven.org/maven2/$1/$2
        part=$(mktemp "$jars/part.XXXXXX")
        if command -v curl > /dev/null; then
            curl -fsSL --retry 2 --max-time 120 -o "$part" "$url"
        else
            python3 -c 'import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=120) as jar, open(sys.argv[2], "wb") as part:
    shutil.copyfileobj(jar, part)' "$url" "$part"
        fi 2> /dev/null || {
            rm -f "$part"
            missing "$2"
        }
        mv "$part" "$jars/$2"
    fi
    echo "$3  $jars/$2" | sha256sum -c --quiet - >&2 || exit 1
}

# compile NAME CLASSPATH: compiles src/NAME into $out/wxlink-NAME.jar if the jar is out of date. The
# jar is built elsewhere and then moved, because other programs may be using the old one.
compile() {
    target=$out/wxlink-$1.jar
    newer=$(find "$java_dir/src/$1" "$java_dir/build.sh" "$java_dir/src/main" \
        -newer "$target" 2> /dev/null || echo all)
    [ -f "$target" ] && [ -z "$newer" ] && return
    work=$(mktemp -d "$out/work.XXXXXX")
    mkdir "$work/classes"
    (
        cd "$java_dir/src/$1/java" &&
            find . -name '*.java' > "$work/sources" &&
            javac --release 8 -Xlint:-options -encoding UTF-8 -cp "$2" -d "$work/classes" \
                "@$work/sources"
    ) > "$work/log" 2>&1 || {
        cat "$work/log" >&2
        rm -rf "$work"
        exit 1
    }
    jar cf "$work/jar" -C "$work/classes" .
    mv "$work/jar" "$target"
    rm -rf "$work"
}

# The version of a dependency, which pom.xml has.
version_of() {
    sed -n "s|.*<$1.version>\(.*\)</$1.version>.*|\1|p" "$java_dir/pom.xml"
}

jna=$(version_of jna)
fetch "net/java/dev/jna/jna/$jna" "jna-$jna.jar" \
    260c4b1e22b1db9e110ee441c4f13ce115f841fa48c41d78750986214b395557
classpath=$jars/jna-$jna.jar
compile main "$classpath"
classpath=$classpath:$out/wxlink-main.jar
