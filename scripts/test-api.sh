#!/bin/sh
# Runs schemathesis, with all its checks, on the committed OpenAPI document as an owner, a viewer and an API key, against a demo
# server of its own with its stand-in for Twilio. It takes two minutes at the most. API_SEED and API_ARGS vary the run.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
python3 -c 'import ensurepip, venv' 2>/dev/null || install "Python" "python3 python3-venv" "python3" "python3" "python@3"
target="${CARGO_TARGET_DIR:-target}"
cargo build --quiet --locked -p nmc-cli
venv="$target/test-api"
# What is installed is what is asked for, or it is installed anew.
if ! cmp -s scripts/api/requirements.txt "$venv/requirements.txt"; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    quietly "$venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/api/requirements.txt
    cp scripts/api/requirements.txt "$venv/requirements.txt"
fi
exec "$venv/bin/python" scripts/api/run.py "$target/debug/nmc" nmc-http/openapi.json 60
