# Sourced by the other scripts: installs what this machine lacks (a C compiler, PostgreSQL's server programs), once.
# shellcheck shell=sh

say() { printf '%s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    [ -n "${NMC_PG_BIN:-}" ] && [ -x "$NMC_PG_BIN/postgres" ] && return 0
    has postgres && has initdb && return 0
    for program in /usr/lib/postgresql/*/bin/postgres /usr/pgsql-*/bin/postgres /usr/libexec/postgresql*/postgres \
        /opt/homebrew/opt/postgresql@*/bin/postgres /usr/local/opt/postgresql@*/bin/postgres; do
        [ -x "$program" ] && return 0
    done
    return 1
}

# A package manager's talk is only worth reading when it fails.
quietly() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then rm -f "$log"; else
        status=$?
        cat "$log" >&2
        rm -f "$log"
        return "$status"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else
        has sudo || { say "this needs root: $*"; return 1; }
        sudo "$@"
    fi
}

install_apt() {
    quietly as_root apt-get update -qq
    # Debian would also set up and start a server of its own; nmc starts its own instead.
    if [ "$1" = postgresql ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Options::=--force-confold "$@"
}

# $1: what is missing, in words; then the packages for apt, dnf, apk and brew, each a quoted list.
install() {
    say "installing $1 …"
    # shellcheck disable=SC2086 # the lists are meant to be split
    if has apt-get; then install_apt $2
    elif has dnf; then quietly as_root dnf install -y -q $3
    elif has apk; then quietly as_root apk add -q $4
    elif has brew; then quietly brew install -q $5
    else say "no package manager is known here: please install $1"; return 1; fi
}

has cargo || { [ -x "$HOME/.cargo/bin/cargo" ] && PATH="$HOME/.cargo/bin:$PATH"; }
has cargo || { say "Rust is missing: see https://rustup.rs"; exit 1; }
has cc || install "a C compiler" "gcc libc6-dev" "gcc glibc-devel" "build-base" "gcc"
has_postgres || install "PostgreSQL's server programs" "postgresql" "postgresql-server" "postgresql17 postgresql17-client" "postgresql@17"
has_postgres || { say "PostgreSQL is still not found; name the folder of its programs in NMC_PG_BIN"; exit 1; }
