#!/bin/sh
# Runs every test, against a real PostgreSQL that it starts itself. Arguments go to `cargo test`.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
PATH="$PATH:/usr/sbin:/sbin"
has pgbouncer || install "PgBouncer" pgbouncer pgbouncer pgbouncer pgbouncer
# Most tests wait for the database or for one another more than for a processor.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-6}"
# One failure hides no other.
exec cargo test --locked --workspace --no-fail-fast "$@"
