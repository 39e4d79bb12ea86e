#!/bin/sh
# Load for a running server of your own: signed callbacks of missed calls, bounded in time and number. See --help.
set -eu
cd "$(dirname "$0")/.."
exec cargo run --quiet --locked --release -p nmc-http --example load -- "$@"
