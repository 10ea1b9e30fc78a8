#!/usr/bin/env bash
# The fault runs: builds the server, loads it, and breaks what it stands on in mid-load: processes, connections, disks,
# clocks. A checker compares what clients were told with what is there afterwards. Loopback only.
#
#   ./faults.sh                                40 rounds on both engines, a few seconds each
#   ./faults.sh quick                          every fault once, and that the checker sees a disk that lies: two minutes
#   ./faults.sh 300 --engine postgres          more of them, on one engine
#   ./faults.sh 20 --fault failover --seed 7   one fault, and the same chance again
#
# More options: target/debug/faults --help. docs/faults.md says what is promised and what came of it.
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-target}

cargo build --quiet -p jiomeet-oauth -p faults
play() { "$target/debug/faults" --server "$target/debug/jiomeet-oauth" "$@"; }

if [ "${1:-}" != quick ]; then
    play "$@"
    exit
fi

shift
# A fault that was not played because others took too long is said, and fails.
play --once --within 180 "$@"

# On a disk that says it has synced and has not, acknowledged things are lost at a power cut: the checker must see it.
for engine in sqlite postgres; do
    heard=$(mktemp)
    if play 1 --engine "$engine" --fault power-cut --disk-lies --forget >"$heard" 2>&1; then
        cat "$heard"
        echo "faults.sh: the checker saw nothing lost on a disk that lies ($engine)" >&2
        exit 1
    fi
    grep -q ' was refused\| is lost\| is refused' "$heard" || { cat "$heard"; exit 1; }
    echo "$engine on a disk that lies: the checker complains, as it should"
    rm "$heard"
done
