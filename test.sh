#!/usr/bin/env bash
# The test command: formatting, lints, and every test on both database engines, with a real PostgreSQL and a real
# browser. Installs what it needs from Debian's packages when it may, and says what to install when it may not.
# `./test.sh quick` leaves out PostgreSQL and the browser, and says so.
set -euo pipefail
cd "$(dirname "$0")"

quick=no
[ "${1:-}" = quick ] && quick=yes

say() { printf '\n== %s\n' "$*"; }

need() { # need COMMAND PACKAGE…: the command must be there, or its packages are installed
    local command=$1; shift
    if command -v "$command" >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/$command" >/dev/null; then return; fi
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $*"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
    else
        echo "test.sh: $command is missing; install it with: sudo apt-get install $*" >&2
        exit 1
    fi
}

# Requests that the API's description allows, and such as it forbids, against the running demo (schemathesis, from PyPI).
described_as_served() {
    say 'the API as it is described'
    cargo build --quiet -p jiomeet-oauth
    tools/check-openapi 25 --seed 1
}

# Published client libraries, unmodified, run the whole flow against the running demo (from npm and crates.io).
published_clients() {
    say 'published client libraries'
    cargo build --quiet -p jiomeet-oauth
    tools/check-clients
}

need cc gcc
if [ "$quick" = no ]; then
    need initdb postgresql
    need python3 python3
    python3 -c 'import ensurepip' 2>/dev/null || need ensurepip python3-venv
    need node nodejs
    need npm npm
    need chromium chromium
    need chromedriver chromium-driver
fi

say 'formatting'
cargo fmt --all --check

say 'lints'
cargo clippy --workspace --all-targets --quiet -- -D warnings

say 'tests on SQLite'
TEST_ENGINE=sqlite cargo test --workspace --quiet --lib --bins --examples
TEST_ENGINE=sqlite cargo test --workspace --quiet --test it
# Several processes on one file; what only PostgreSQL can do comes below.
TEST_ENGINE=sqlite cargo test --quiet -p jiomeet-oauth --test nodes -- --skip postgres::

if [ "$quick" = yes ]; then
    say 'quick: PostgreSQL and the browser were left out; run ./test.sh before you hand anything on'
    exit 0
fi

say 'tests on PostgreSQL'
TEST_ENGINE=postgres tools/with-postgres cargo test --quiet -p sql -p jiomeet-oauth --test it

say 'several nodes on one PostgreSQL'
TEST_ENGINE=postgres tools/with-postgres cargo test --quiet -p jiomeet-oauth --test nodes

say 'what breaks in mid-load'
# Every fault once on each engine.
./faults.sh quick

described_as_served

published_clients

say 'a person at a browser'
cargo test --quiet -p jiomeet-oauth --test browser
