#!/usr/bin/env bash
# The reference nets on a GPU, beside PyTorch on the same GPU, in one run of less than ten minutes.
#
#   benches/gpu.sh [BINARY] [PYTHON] [DATA]
#
# BINARY: digitstack, built elsewhere if need be [default: built here]. PYTHON: one with torch for CUDA [default: python3]; without it PyTorch's
# part is skipped aloud. DATA: a folder with MNIST's IDX files; with it, configs/reference.toml runs too, shortened to two folds and one epoch.
# Prints one JSON object a line, then the share of a step of 32 images that is launch overhead: what is left of its time when 32 images are
# taken to cost what they do in a batch of 1,024.
set -euo pipefail
cd "$(dirname "$0")/.."
binary="${1:-target/release/digitstack}"
python="${2:-python3}"
data="${3:-}"
[ -n "${1:-}" ] || cargo build --release --locked --quiet
results="$(mktemp)"
trap 'rm -f "$results"' EXIT

"$binary" devices
device="${DIGITSTACK_GPU:-wgpu}"

echo "== the same training on the GPU and on the CPU: losses agree to three figures" >&2
for where in "$device" cpu; do
    "$binary" train cnn --device "$where" --out "$(mktemp -d)" --fresh --json --quiet --set data.train=2000 \
        --set members.cnn.training.epochs=2 --set members.cnn.network.filters=8 | tr -d '\n '
    echo
done

echo "== images a second" >&2
for batch in 32 128 1024; do
    for net in cnn dense; do
        "$binary" bench "$net" --device "$device" --batch "$batch" --seconds 8 --json --quiet | tr -d '\n' | tee -a "$results"
        echo | tee -a "$results"
    done
done
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    "$python" benches/peers/nets.py cnn --device cuda --batch 32,128,1024 --modes eager,compile,graphs --seconds 4
    "$python" benches/peers/nets.py dense --device cuda --batch 32,1024 --modes eager,compile,graphs --seconds 4
else
    echo "SKIPPED: $python has no PyTorch that sees a CUDA card" >&2
fi
if [ -n "$data" ]; then
    echo "== configs/reference.toml, shortened" >&2
    time timeout 240 "$binary" run configs/reference.toml --data "$data" --device "$device" --out "$(mktemp -d)" --fresh --set stacking.folds=2 \
        --set stacking.final_models=average --set members.cnn.training.epochs=1 --set members.dense.training.epochs=1 \
        --set members.booster.trees=20
fi
awk -F'"train_images_per_s": ' '/"net": "cnn"/ { rate = $2 + 0; if (/"batch": 32,/) small = 32 / rate; if (/"batch": 1024,/) large = 32 / rate }
    END { if (small && large) printf "{\"launch_overhead_share_batch_32\": %.3f}\n", 1 - large / small }' "$results"
