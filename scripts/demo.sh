#!/bin/sh
# Builds nmc and plays two missed calls, from webhook to text and back, and a picture. Safe to repeat.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
say "building (the first time takes a few minutes) …"
cargo build --quiet --locked -p nmc-cli
# A database that this shell is set up for is not the demo's to fill.
unset DATABASE_URL
exec "${CARGO_TARGET_DIR:-target}/debug/nmc" up --demo --once --bind 127.0.0.1:0
