#!/bin/sh
# Runs the tests of the PostgreSQL extension: a server of its own, as a user that is not root, and a
# simulator. Nothing is installed in the system.
#
# WXLINK_LIB_DIR is the folder of libwxlink.so, wxlink and wxlink-sandbox; PG_CONFIG the program of
# the PostgreSQL to test with. Exits with 77 if the tests are skipped (tools/need.sh).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
. "$root/tools/need.sh"

pg_config=${PG_CONFIG:-pg_config}
need PostgreSQL python3 make cc "$pg_config" || exit
[ -e "$("$pg_config" --pgxs)" ] ||
    skip PostgreSQL "the files for extensions (postgresql-server-dev) are not installed" || exit
{ [ -x "$("$pg_config" --bindir)/initdb" ] && [ -x "$("$pg_config" --bindir)/psql" ]; } ||
    skip PostgreSQL "the server that $pg_config describes is not installed" || exit
exec python3 "$here/tests/test_extension.py" "$@"
