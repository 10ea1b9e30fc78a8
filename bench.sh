#!/usr/bin/env bash
# The benchmarks: builds a release, measures the hot inner parts with criterion, then the operations over HTTP against
# the floor that they stand on. Loopback only, bounded in count: a few minutes once it is built.
#
#   ./bench.sh                 everything
#   ./bench.sh quick           fewer calls, ES256 alone, no criterion: about two minutes
#   ./bench.sh --record        also puts the tables into docs/performance.md
#   ./bench.sh --json FILE     also writes everything as JSON
#   ./bench.sh profile         which part of an exchange takes how much (needs perf); --operation refresh, bearer, … for others
#   ./bench.sh scale           every page and call on a million people, 100,000 apps, ten million tokens and ten million
#                              meetings, beside an empty database; --engine postgres, --factor 0.01 for less. 16 GB of disk
#                              (PostgreSQL: 34) and ten minutes (twenty) at full size; the data sets stay in --folder
#   ./bench.sh peers           the same calls against this server and against peers from npm, PyPI and Debian instead: a
#                              quarter of an hour (--quick: four minutes); needs PostgreSQL, npm and python3 with venv
#
# More options: target/release/bench run --help, and likewise scale and peers
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}

mode=full
case ${1:-} in quick | profile | scale | peers) mode=$1; shift ;; esac
options=()
while [ $# -gt 0 ]; do
    case $1 in
        --record) options+=(--record docs/performance.md) ;;
        *) options+=("$1") ;;
    esac
    shift
done

cargo build --release --quiet -p jiomeet-oauth -p bench
mkdir -p "$target"
if [ "$mode" = profile ]; then
    exec "$target/release/bench" profile --server "$target/release/jiomeet-oauth" --scratch "$target" \
        --samples "$target/profile.data" "${options[@]}"
fi
if [ "$mode" = scale ]; then
    engine=sqlite folder=$target/scale rest=()
    set -- "${options[@]}"
    while [ $# -gt 0 ]; do
        case $1 in
            --engine) engine=$2 && shift ;;
            --folder) folder=$2 && shift ;;
            *) rest+=("$1") ;;
        esac
        shift
    done
    # Sign-ups are measured too.
    export JIOMEET_OAUTH_LIMITS__SIGN_UP_BURST=100000
    measure=("$target/release/bench" scale all --server "$target/release/jiomeet-oauth" --folder "$folder" "${rest[@]}")
    if [ "$engine" = postgres ]; then
        # shellcheck disable=SC2016 # for the shell inside
        exec tools/with-postgres --durable --keep "$folder/postgres" \
            sh -c 'exec "$@" --database-url "$TEST_POSTGRES_URL"' scale "${measure[@]}"
    fi
    exec "${measure[@]}"
fi
if [ "$mode" = peers ]; then
    exec "$target/release/bench" "$mode" --server "$target/release/jiomeet-oauth" --scratch "$target" "${options[@]}"
fi
if [ "$mode" = quick ]; then
    options+=(--quick --algorithms ES256)
else
    rm -rf "$target/criterion"
    cargo bench --quiet -p bench --bench parts -- --noplot >&2
    options+=(--criterion "$target/criterion")
fi
exec "$target/release/bench" run --server "$target/release/jiomeet-oauth" --scratch "$target" "${options[@]}"
