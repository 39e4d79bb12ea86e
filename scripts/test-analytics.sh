#!/bin/sh
# Computes the figures of random histories in another language too, by docs/ANALYTICS.md alone, and the hours and days of all zones
# by the zone data of this machine; reads reports as CSV and PDF, and finds the numbers of their JSON. Needs Python's own library,
# and pdftotext of poppler.
set -eu
cd "$(dirname "$0")/.."
. scripts/setup.sh
python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Pacific/Apia")' 2>/dev/null ||
    install "Python with time zones" "python3 tzdata" "python3 tzdata" "python3 tzdata" "python@3"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or newer is needed"; exit 1; }
python3 -B -m unittest discover --quiet --start-directory scripts/analytics
has pdftotext || install "a reader of PDFs" "poppler-utils" "poppler-utils" "poppler-utils" "poppler"
cargo test --quiet --locked -p nmc-core --test report_renderings
NMC_TEST_PYTHON=python3 exec cargo test --quiet --locked -p nmc-core --test analytics_oracle
