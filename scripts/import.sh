#!/bin/sh
# Measures `nmc call import` beside COPY of the same rows into a bare table, in turns, on the empty database of DATABASE_URL, whose owner it must be.
# Usage: DATABASE_URL=… scripts/import.sh [calls, a million if left out] [rounds, 3 if left out]
set -eu
cd "$(dirname "$0")/.."
: "${DATABASE_URL:?names the database}"
calls=${1:-1000000}
rounds=${2:-3}
nmc=target/release/nmc
[ -x "$nmc" ] || cargo build --quiet --locked --release -p nmc-cli
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/calls.csv

awk -v calls="$calls" 'BEGIN {
    print "caller_phone,called_phone,twilio_call_sid,outcome,started_at,duration_seconds,caller_name"
    for (n = 0; n < calls; n++)
        printf "+1415%07d,+13125550100,old-%d,missed,2024-03-%02dT12:%02d:%02dZ,0,Customer %d\n", 2000000 + n % 7000000, n, n % 28 + 1, n / 60 % 60, n % 60, n % 50000
}' >"$log"
printf '%s calls, %s bytes\n' "$calls" "$(wc -c <"$log")"

sql() { psql -qAt -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "$1"; }
now() { date +%s.%N; }
# What was done, since when, and what more there is to say.
told() { awk -v what="$1" -v since="$2" -v until="$(now)" -v calls="$calls" -v more="${3:-}" 'BEGIN { printf "%-24s %6.1f s  %7d rows/s  %s\n", what, until - since, calls / (until - since), more }'; }
import() { command time -f %M -o "$folder/memory" "$nmc" call import --tenant "$1" "$2" --format json >"$folder/out"; }
peak() { printf '%s KB at the peak' "$(tail -1 "$folder/memory")"; }

"$nmc" migrate run 2>/dev/null
sql 'CREATE TABLE bare (caller_phone text, called_phone text, twilio_call_sid text, outcome text, started_at timestamptz, duration_seconds int, caller_name text)'
for round in $(seq "$rounds"); do
    "$nmc" tenant onboard --name "Round $round" >"$folder/out" 2>&1
    sql 'TRUNCATE bare'
    sql CHECKPOINT || true
    since=$(now)
    psql -qAt -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "\\copy bare FROM '$log' (FORMAT csv, HEADER)"
    told 'COPY to a bare table' "$since"
    since=$(now)
    import "Round $round" "$log"
    told 'nmc call import' "$since" "$(peak)"
    since=$(now)
    import "Round $round" "$log"
    told 'the same again' "$since" "$(peak)"
done
printf '%s calls in the table\n' "$(sql 'SELECT count(*) FROM calls')"
since=$(now)
"$nmc" call import --tenant "Round 1" "$log" --dry-run >"$folder/out"
told '--dry-run' "$since"
