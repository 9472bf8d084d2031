#!/bin/sh
# Writes into the Chinese pages which revision of the English pages they follow. Run it for pages
# that have been brought up to date: `make translated PAGES="README.md docs/bulk.md"`.
set -eu
cd "$(dirname "$0")/.."

for page in "$@"; do
    case $page in
    README.md) chinese=README.zh-CN.md ;;
    *) chinese=docs/zh-CN/${page#docs/} ;;
    esac
    revision=$(sha256sum "$page" | cut -c 1-12)
    sed -i -e '1{/^<!-- Follows /d}' "$chinese"
    sed -i -e "1i <!-- Follows $page, $revision -->" "$chinese"
    echo "$chinese follows $page, $revision"
done
