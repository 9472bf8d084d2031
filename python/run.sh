#!/bin/sh
# Runs a sample or the conformance program: run.sh link|list|refusal|unlink|conform ARGUMENTS
#
# install.sh first builds the module if it is out of date. Exits with 127 if there is no Python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/install.sh" >&2
name=$1
shift
script="$here/samples/$name.py"
[ "$name" = conform ] && script="$here/conform.py"
# -I keeps the samples' folder off the module path: a sample may have the name of a module.
exec "$("$here/install.sh" --python)" -I "$script" "$@"
