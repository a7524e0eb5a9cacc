#!/usr/bin/env bash
# Both sides of every comparison in benches/README.md, in turn, on a quiet machine.
#
#   benches/compare.sh DATA [PYTHON]
#
# DATA: a folder with MNIST's IDX files. PYTHON: one with the packages that benches/peers/README.md names [default: python3].
# Prints one JSON object a line. About ten minutes on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:?usage: benches/compare.sh DATA [PYTHON]}"
python="${2:-python3}"
threads="$(nproc)"
cargo build --release --locked --quiet
digitstack="target/release/digitstack --quiet --device cpu --threads $threads --json bench"
tuned=(env MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184)
compact() { "$python" -c 'import json, sys; print(json.dumps(json.load(sys.stdin)))'; }

for round in 1 2 3; do
    for batch in 32 128 512; do
        $digitstack cnn --batch "$batch" --seconds 6 | compact
        "${tuned[@]}" "$python" benches/peers/nets.py cnn --batch "$batch" --threads "$threads" --seconds 6
    done
    $digitstack dense --batch 32 --seconds 3 | compact
    "${tuned[@]}" "$python" benches/peers/nets.py dense --batch 32 --threads "$threads" --seconds 3
done
$digitstack booster --data "$data" | compact
"$python" benches/peers/lightgbm_train.py "$data" --rows 10000 --trees 30 --max-bin 63 --threads "$threads"
$digitstack imaging --data "$data" --seconds 5 | compact
"$python" benches/peers/preprocess.py "$data" --seconds 5
