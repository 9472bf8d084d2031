#!/bin/sh
# Runs a sample or the conformance program: run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# build.sh first builds the package's native part if it is out of date. Exits with 127 if Node is
# not installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1-} in
link | list | refusal | unlink) program=$here/samples/$1.js ;;
conform) program=$here/conform.js ;;
*)
    echo "usage: run.sh link|list|refusal|unlink|conform ARGUMENTS" >&2
    exit 2
    ;;
esac
shift
"$here/build.sh" >&2
exec node "$program" "$@"
