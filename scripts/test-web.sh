#!/bin/sh
# Drives the web inbox in Debian's Chromium against a server of its own: each view, what hostile texts do, a lost network, two people
# at once, axe. PICTURES=<directory> also keeps a picture of each view. An argument runs the tests whose name has it.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
has npm || install "Node.js" "nodejs npm" "nodejs npm" "nodejs npm" "node"
has chromium || install "Chromium" "chromium" "chromium" "chromium" "chromium"
has psql || install "PostgreSQL's client" "postgresql-client" "postgresql" "postgresql17-client" "libpq"
target="${CARGO_TARGET_DIR:-target}"
cargo build --quiet --locked -p nmc-cli
# What is installed is what the lock file says, or it is installed anew.
if ! cmp -s scripts/web/package-lock.json scripts/web/node_modules/.installed; then
    (cd scripts/web && quietly npm ci --no-audit --no-fund --ignore-scripts)
    cp scripts/web/package-lock.json scripts/web/node_modules/.installed
fi
CHROMIUM="${CHROMIUM:-$(command -v chromium)}"
export CHROMIUM
case "$target" in /*) ;; *) target="$PWD/$target" ;; esac
exec node --test-reporter=spec scripts/web/run.js "$target/debug/nmc" "${1:-}"
