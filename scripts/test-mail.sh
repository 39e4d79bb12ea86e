#!/bin/sh
# Sends mails to a real mail server (aiosmtpd) with TLS, by an authority made for it, and a webhook to a receiver that checks it with
# the reference implementation of the Standard Webhooks.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
python3 -c 'import ensurepip, venv' 2>/dev/null || install "Python" "python3 python3-venv" "python3" "python3" "python@3"
target="${CARGO_TARGET_DIR:-target}"
cargo test --quiet --locked -p nmc-core --test real_receivers --no-run
venv="$target/test-mail"
# What is installed is what is asked for, or it is installed anew.
if ! cmp -s scripts/mail/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    quietly "$venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/mail/requirements.txt
    cp scripts/mail/requirements.txt "$venv/requirements.txt"
fi
exec "$venv/bin/python" scripts/mail/run.py cargo test --quiet --locked -p nmc-core --test real_receivers
