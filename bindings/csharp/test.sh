#!/bin/sh
# Runs the tests of the C# binding against a simulator: with Mono, and with .NET. With arguments it
# only runs the classes that they name, with Mono: test.sh ClientTests
#
# WXLINK_LIB_DIR is the folder of libwxlink.so.1 and wxlink-sandbox, WXLINK_BUILD_DIR the one to
# build in. If .NET is not installed, the runtime of .NET Core 3.1 is installed from PyPI into the
# checkout's .venv. NETSTANDARD_REF is a copy of the folder netstandard/ref in the branch
# release/2.0.0 of https://github.com/dotnet/standard, the sources of .NET Standard's interface: if
# it is set, the binding is compiled with that, too. Exits with 77 if the tests are skipped
# (tools/need.sh).
set -eu
. "$(dirname "$0")/../../tools/need.sh"

missing() {
    skip "C#" "$1 is not installed" || exit
}

need "C#" python3 || exit
. "$(dirname "$0")/build.sh"
compile wxlink-tests.exe "$csharp_dir/tests" -reference:"$out/Wxlink.Net.dll"
export WXLINK_CHECKOUT="$root"
"$root/tools/with_sandbox.py" mono "$out/wxlink-tests.exe" "$@"
[ $# = 0 ] || exit 0

# The sources use nothing that .NET Framework 4.6.1 lacks.
reference=/usr/lib/mono/4.6.1-api
if [ -d "$reference" ]; then
    work=$(mktemp -d "$out/work.XXXXXX")
    mcs -nologo -langversion:7.2 -codepage:utf8 -warnaserror+ -target:library \
        -sdk:"$reference" -out:"$work/Wxlink.Net.dll" "$csharp_dir"/src/*.cs
    rm -r "$work"
    echo "C# compiles with the interface of .NET Framework 4.6.1"
else
    skip "C# with the interface of .NET Framework 4.6.1" "mono-devel is not installed" || :
fi

# Nor anything that .NET Standard 2.0 lacks.
if [ -n "${NETSTANDARD_REF:-}" ]; then
    work=$(mktemp -d "$out/work.XXXXXX")
    mcs -nologo -nostdlib -langversion:7.2 -unsafe -warn:0 -target:library \
        -out:"$work/netstandard.dll" "$NETSTANDARD_REF"/*.cs
    mcs -nologo -noconfig -nostdlib -langversion:7.2 -codepage:utf8 -warnaserror+ \
        -reference:"$work/netstandard.dll" -target:library -out:"$work/Wxlink.Net.dll" \
        "$csharp_dir"/src/*.cs
    rm -r "$work"
    echo "C# compiles with the interface of .NET Standard 2.0"
else
    skip_even_in_ci "C# with the interface of .NET Standard 2.0" "NETSTANDARD_REF is not set" || :
fi

# tests/windows/test.py reads these two, for .NET under Wine. Left out are the classes that run the
# samples with Mono, that serialize as .NET Framework does, and that read XML, for which this
# runtime wants OpenSSL 1.
dotnet_package=dotnetcore2==3.1.23
dotnet_tests="ClientTests ConcurrencyTests HeaderTests PlatformTests"

find_dotnet() {
    for dotnet in "$(command -v dotnet || :)" \
        "$root"/.venv/lib/python3.*/site-packages/dotnetcore2/bin/dotnet; do
        [ -f "$dotnet" ] && [ -x "$dotnet" ] && return
    done
    return 1
}
fetch_dotnet() {
    {
        { [ -x "$root/.venv/bin/pip" ] || python3 -m venv "$root/.venv"; } &&
            "$root/.venv/bin/pip" install --quiet --disable-pip-version-check \
                "$dotnet_package" &&
            chmod +x "$root"/.venv/lib/python3.*/site-packages/dotnetcore2/bin/dotnet
    } >&2
}
find_dotnet || { fetch_dotnet && find_dotnet; } || skip "C# with .NET" ".NET is not installed" || exit
cat > "$out/wxlink-tests.runtimeconfig.json" << 'CONFIG'
{
  "runtimeOptions": {
    "framework": { "name": "Microsoft.NETCore.App", "version": "3.1.0" },
    "rollForward": "LatestMajor",
    "configProperties": { "System.Globalization.Invariant": true }
  }
}
CONFIG
# shellcheck disable=SC2086 # Each class is an argument.
"$root/tools/with_sandbox.py" "$dotnet" "$out/wxlink-tests.exe" $dotnet_tests
