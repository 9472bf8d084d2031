#!/bin/sh
# Checks the dependencies against the RustSec advisory database and prints the date of the database.
#
#   tools/advisories.sh CARGO_DENY
#
# ADVISORY_DB names a local copy of the database: a git repository, bare or not. Without it the
# database is fetched. If that fails, the copy of an earlier fetch is used. If there is none, the
# check is skipped, in CI too, where only the package registries may be reachable. Exits with 1 if
# there are findings.
set -eu
. "$(dirname "$0")/need.sh"
deny=$1
target=${CARGO_TARGET_DIR:-target}
databases=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs

checked() { # FOLDER ARGUMENTS...
    folder=$1
    shift
    date=$(git -C "$folder" log -1 --format=%cs)
    echo "advisories: database of $date, commit $(git -C "$folder" log -1 --format=%h)"
    # With an empty database the check would always pass.
    [ -n "$(find "$folder/crates" -name 'RUSTSEC-*.md' | head -n 1)" ] || {
        echo "advisories: the database at $folder contains no advisories" >&2
        exit 1
    }
    "$deny" --locked --all-features "$@" advisories
}

# The folder of the newest database below a folder; nothing if there is none.
newest() { # FOLDER
    ls -dt "$1"/*/.git 2> /dev/null | head -n 1 | sed 's|/\.git$||'
}

if [ -n "${ADVISORY_DB:-}" ]; then
    copy=$(cd "$ADVISORY_DB" 2> /dev/null && pwd) &&
        git -C "$copy" rev-parse --quiet --verify HEAD > /dev/null || {
        echo "advisories: ADVISORY_DB=$ADVISORY_DB is not a git repository." \
            "Clone rustsec/advisory-db there." >&2
        exit 1
    }
    # cargo-deny accepts only a URL, and fetches the branch `main` from it. It gets a URL that does
    # not exist, which git is configured to replace by the copy.
    work=$target/advisories
    rm -rf "$work"
    mkdir -p "$work"
    git clone --quiet --bare --depth 1 "file://$copy" "$work/copy"
    git -C "$work/copy" branch --force main HEAD 2> /dev/null || true
    url=https://advisories.invalid/advisory-db
    {
        sed '/^\[advisories\]/,$d' deny.toml
        echo '[advisories]'
        echo "db-path = '$(cd "$work" && pwd)/db'"
        echo "db-urls = ['$url']"
        sed '1,/^\[advisories\]/d' deny.toml
    } > "$work/deny.toml"
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_VALUE_0="$url"
    export GIT_CONFIG_KEY_0="url.file://$(cd "$work" && pwd)/copy.insteadOf"
    "$deny" --locked --config "$work/deny.toml" fetch db
    checked "$(newest "$work/db")" --config "$work/deny.toml" check
elif "$deny" --locked fetch db; then
    checked "$(newest "$databases")" check
elif [ -n "$(newest "$databases")" ]; then
    echo "advisories: could not fetch the database; using the copy of an earlier fetch" >&2
    checked "$(newest "$databases")" --offline check
else
    skip_even_in_ci advisories "could not fetch the database. Clone rustsec/advisory-db on another \
machine, copy it here and run: make deny ADVISORY_DB=FOLDER" || exit 0
fi
