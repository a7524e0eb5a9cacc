#!/usr/bin/env bash
# The nets on a GPU, beside PyTorch on the same GPU, in one call of less than ten minutes.
#
#   benches/gpu.sh [BINARY] [PYTHON] [DATA]
#
# BINARY: digitstack, built elsewhere if need be [default: built here]. PYTHON: one with torch for CUDA [default: python3]; without it PyTorch's
# part is skipped aloud. DATA: a folder with MNIST's IDX files; with it, configs/reference.toml runs too, shortened to two folds and one epoch.
# DIGITSTACK_GPU: the device [default: wgpu]. DIGITSTACK_LIMIT: the seconds that this may take [default: 580]; what does not fit is skipped aloud.
# DIGITSTACK_BATCHES [default: 32 128 1024]; DIGITSTACK_SECONDS: how long each speed is measured for [default: 3]; DIGITSTACK_IMAGES: for the
# trainings [default: 2000]. Small values try the script out on a software driver.
#
# First the check: trainings on the GPU and on the CPU, without augmentation, with an affine and with an elastic one, whose losses may differ by
# 1 %; if they do by more, the script ends with 1. Then one JSON object a line: kernels launched for a training step of 128 images, images
# a second of ours and of PyTorch's (eager, CUDA graphs, compiled), and, for the CNN at batch 32, how much of a step goes into launching:
#   PyTorch: what a CUDA graph of the very same kernels saves of an eager step.
#   ours:    what is left of a step of 32 images when 32 images are taken to cost what they do in a batch of 1,024. An upper bound: kernels
#            that are too small to fill the card are in it as well.
set -euo pipefail
cd "$(dirname "$0")/.."
binary="${1:-target/release/digitstack}"
python="${2:-python3}"
data="${3:-}"
device="${DIGITSTACK_GPU:-wgpu}"
limit="${DIGITSTACK_LIMIT:-580}"
seconds="${DIGITSTACK_SECONDS:-3}"
images="${DIGITSTACK_IMAGES:-2000}"
read -ra batches <<<"${DIGITSTACK_BATCHES:-32 128 1024}"
[ -n "${1:-}" ] || cargo build --release --locked --quiet
binary="$(realpath "$binary")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
failed=0
: >"$work/speed.json"

# `within NAME COMMAND…`: the command, for at most the time that is left.
within() {
    local name="$1" left=$((limit - SECONDS)) status=0
    shift
    if [ "$left" -lt 10 ]; then
        echo "SKIPPED: $name, the $limit seconds are over" >&2
        return 0
    fi
    timeout "$left" "$@" || status=$?
    if [ "$status" -eq 124 ]; then
        echo "SKIPPED: the rest of $name, the $limit seconds are over" >&2
    elif [ "$status" -ne 0 ]; then
        echo "FAILED with $status: $name" >&2
        failed=1
    fi
}

# `training NET DEVICE NAME AUGMENT OPTION…`: a short training; its JSON goes to $work/NAME.json.
training() {
    local net="$1" where="$2" name="$3" augment="$4"
    shift 4
    if [ "$net" = cnn ]; then set -- --set members.cnn.network.filters=8 "$@"; fi
    "$binary" train "$net" --device "$where" --out "$work/$name" --fresh --json --quiet --set data.train="$images" \
        --set "members.$net.augment=$augment" "$@" >"$work/$name.json"
}
losses() { grep -oE '"(train|validation)_loss": [0-9.eE+-]+' "$1" | sed 's/.*: //'; }

# `same_losses NET NAME AUGMENT`.
same_losses() {
    local net="$1" name="$1-$2" augment="$3"
    training "$net" "$device" "gpu-$name" "$augment" --set "members.$net.training.epochs=2"
    training "$net" cpu "cpu-$name" "$augment" --set "members.$net.training.epochs=2"
    paste <(losses "$work/gpu-$name.json") <(losses "$work/cpu-$name.json") | awk -v net="$net" -v name="$2" '
        { off = ($1 - $2) / $2; if (off < 0) off = -off; if (off > worst) worst = off; rows++ }
        END {
            printf "{\"net\": \"%s\", \"augmentation\": \"%s\", \"losses\": %d, \"largest_difference\": %.5f}\n", net, name, rows, worst
            exit !(rows >= 4 && worst <= 0.01)
        }'
}

# `launches NET NAME AUGMENT`. CubeCL writes a line for each kernel that it launches, if a file in the working directory asks for it. The first
# training tunes the kernels, which is kept on disk. The difference between the second, of one epoch, and the third, of three, leaves out the start; it
# has the validation of two epochs in it, one small batch each.
launches() {
    local net="$1" count=() steps=$(((images * 95 / 100 + 127) / 128)) epochs
    printf '[profiling.logger]\nlevel = "minimal"\nfile = "launches.log"\n' >"$work/cubecl.toml"
    for epochs in 3 1 3; do
        rm -f "$work/launches.log"
        (cd "$work" && training "$net" "$device" "launches-$net-$2-$epochs" "$3" --validation 0.05 --set "members.$net.training.batch_size=128" \
            --set "members.$net.training.epochs=$epochs")
        count+=("$(grep -c Executing "$work/launches.log")")
    done
    echo "{\"net\": \"$net\", \"augmentation\": \"$2\", \"launches_a_step\": $(((count[2] - count[1]) / (2 * steps)))}"
}

speed() {
    "$binary" bench "$1" --device "$device" --batch "$2" --seconds "$seconds" --json --quiet | tr -d '\n' | tee -a "$work/speed.json"
    echo | tee -a "$work/speed.json"
}
export -f training losses same_losses launches speed
export binary device work seconds images

"$binary" devices --device "$device"
light='["light"]'
elastic='["light", { step = "elastic", alpha = 20.0 }]'

echo "== the same training on the GPU and on the CPU" >&2
within "the check of the dense net" bash -euo pipefail -c 'same_losses dense none "[]"'
within "the check of the dense net with an affine step" bash -euo pipefail -c 'same_losses dense affine "$1"' - "$light"
within "the check of the dense net with an elastic step" bash -euo pipefail -c 'same_losses dense elastic "$1"' - "$elastic"
within "the check of the CNN with an elastic step" bash -euo pipefail -c 'same_losses cnn elastic "$1"' - "$elastic"

echo "== images a second" >&2
for batch in "${batches[@]}"; do
    within "our CNN at batch $batch" bash -euo pipefail -c 'speed cnn "$1"' - "$batch"
done
if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    torch=("$python" benches/peers/nets.py --device cuda --batch "$(IFS=,; echo "${batches[*]}")" --seconds "$seconds")
    within "PyTorch's CNN" "${torch[@]}" cnn --modes eager,graphs
    within "PyTorch's CNN, compiled" "${torch[@]}" cnn --modes compile --layouts channels_last
else
    torch=()
    echo "SKIPPED: PyTorch, as $python has none that sees a CUDA card" >&2
fi
for batch in "${batches[@]}"; do
    within "our dense net at batch $batch" bash -euo pipefail -c 'speed dense "$1"' - "$batch"
done
if [ "${#torch[@]}" -gt 0 ]; then within "PyTorch's dense net" "${torch[@]}" dense --modes eager,graphs; fi
awk -F'"train_images_per_s": ' '/"net": "cnn"/ { rate = $2 + 0; if (/"batch": 32,/) small = 32 / rate; if (/"batch": 1024,/) large = 32 / rate }
    END { if (small && large) printf "{\"our_launch_overhead_share_batch_32_at_most\": %.3f}\n", 1 - large / small }' "$work/speed.json"

echo "== kernels a step" >&2
within "counting launches" bash -euo pipefail -c 'launches dense none "[]"'
within "counting launches with an affine step" bash -euo pipefail -c 'launches dense affine "$1"' - "$light"
within "counting launches with an elastic step" bash -euo pipefail -c 'launches dense elastic "$1"' - "$elastic"
within "counting launches of the CNN" bash -euo pipefail -c 'launches cnn none "[]"'

if [ "${#torch[@]}" -gt 0 ]; then
    within "PyTorch's CNN, compiled, contiguous" "${torch[@]}" cnn --modes compile --layouts contiguous
    within "PyTorch's dense net, compiled" "${torch[@]}" dense --modes compile
fi
if [ -n "$data" ]; then
    echo "== configs/reference.toml, shortened" >&2
    started=$SECONDS
    within "the shortened reference" "$binary" run configs/reference.toml --data "$data" --device "$device" --out "$work/reference" --fresh \
        --set stacking.folds=2 --set stacking.final_models=average --set members.cnn.training.epochs=1 --set members.dense.training.epochs=1 \
        --set members.booster.trees=20
    echo "{\"shortened_reference_seconds\": $((SECONDS - started))}"
fi
exit "$failed"
