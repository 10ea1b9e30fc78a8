#!/usr/bin/env bash
# The fault runs: builds the server, loads it, and breaks what it stands on in mid-load: processes, connections, disks,
# clocks. A checker compares what clients were told with what is there afterwards. Loopback only.
#
#   ./faults.sh                                40 rounds on both engines, a few seconds each
#   ./faults.sh quick                          every fault about once: about a minute for each engine
#   ./faults.sh 300 --engine postgres          more of them, on one engine
#   ./faults.sh 20 --fault failover --seed 7   one fault, and the same chance again
#
# More options: target/debug/faults --help. docs/faults.md says what is promised and what came of it.
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}

rounds=()
if [ "${1:-}" = quick ]; then
    shift
    # Each engine has 20 rounds, or as many as begin within 55 seconds.
    rounds=(40 --within 55)
fi
cargo build --quiet -p jiomeet-oauth -p faults
exec "$target/debug/faults" "${rounds[@]}" --server "$target/debug/jiomeet-oauth" "$@"
