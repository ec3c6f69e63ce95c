#!/usr/bin/env bash
# Install what Tarn needs on Debian 12. Usage: setup.sh [core|test|bench]... (default: core). Does nothing twice.
# core: to build and use Tarn. test: to work on it. bench: the peers that the benchmarks run beside it.
set -euo pipefail
cd "$(dirname "$0")"

missing() { # the packages of a list that are not installed
    local p
    for p in $(cat "$1"); do
        dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || echo "$p"
    done
}

need() { # install what is missing of a list, as root or through sudo; otherwise say exactly what to install
    local lacking run=()
    lacking=$(missing "$1" | tr '\n' ' ')
    [ -z "${lacking// /}" ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "setup: this machine has no apt-get. Install what corresponds to these Debian packages: $lacking" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then run=(sudo); else
            echo "setup: packages are missing, and neither root nor sudo is at hand. As root, run:" >&2
            echo "    apt-get update && apt-get install -y --no-install-recommends $lacking" >&2
            exit 1
        fi
    fi
    echo "setup: installing $lacking"
    "${run[@]}" apt-get update -qq
    "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 $lacking >/dev/null
}

need_npm() { # npm, if nobody has put another one on PATH
    command -v npm >/dev/null || need npm.apt
}

duckdb() { # the library from npm, its header from the npm source package; both pinned by hash
    pkg-config --exists duckdb 2>/dev/null && return 0
    need_npm
    if [ ! -e native/libduckdb.so ] || [ ! -f native/.version ] || ! cmp -s native/package-lock.json native/.version; then
        echo "setup: fetching DuckDB"
        (cd native && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
        ln -sfn node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so native/libduckdb.so
        cp native/package-lock.json native/.version
    fi
    if [ ! -f native/include/duckdb.h ]; then
        local t
        t=$(mktemp -d)
        (cd "$t" && npm pack --silent duckdb@1.4.4 >/dev/null)
        echo "5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed  $t/duckdb-1.4.4.tgz" | sha256sum -c --quiet -
        mkdir -p native/include
        tar xzf "$t/duckdb-1.4.4.tgz" -C native/include --strip-components=5 package/src/duckdb/src/include/duckdb.h
        rm -rf "$t"
    fi
}

for what in ${*:-core}; do
    case $what in
    core) need core.apt; duckdb ;;
    test) need test.apt; need_npm
        if [ -f ../web/package-lock.json ] && ! cmp -s ../web/package-lock.json ../web/node_modules/.version; then
            (cd ../web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && cp package-lock.json node_modules/.version)
        fi
        if ! cmp -s emu/package-lock.json emu/node_modules/.version; then # object stores to test against
            echo "setup: fetching s3rver and azurite"
            (cd emu && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null && cp package-lock.json node_modules/.version)
        fi ;;
    bench) need bench.apt ;;
    *) echo "setup: unknown part '$what' (core, test, bench)" >&2; exit 2 ;;
    esac
done
