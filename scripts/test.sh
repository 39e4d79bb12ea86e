#!/bin/sh
# Runs every test, against a real PostgreSQL that it starts itself. Arguments go to `cargo test`.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
exec cargo test --locked --workspace "$@"
