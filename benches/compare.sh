#!/usr/bin/env bash
# Both sides of every comparison in benches/README.md, in turn, on a quiet machine.
#
#   benches/compare.sh DATA [PYTHON] [PART…]
#
# DATA: a folder with MNIST's IDX files. PYTHON: one with the packages that benches/peers/README.md names [default: python3].
# PART: nets, plain, operations, families, fastest, booster, folds, imaging, service [default: all but families and fastest]. `service` serves
# the run in DIGITSTACK_RUN [default: artifacts/mnist-cpu, made by `digitstack run configs/mnist-cpu.toml`]. Prints one JSON object a line;
# `operations` ends with a table of each operation of the reference nets, `families` with one of every net in configs/ at its own batch size, or of
# those that DIGITSTACK_NETS names ("cnn:reference deep:families/kaggle"), `fastest` with one of ten trainings of configs/fastest.toml beside
# PyTorch's (DIGITSTACK_PEERS names some of "eager,channels-last,compile,bf16"). About ten minutes on two cores, and some six more for
# `operations`, three for `service`, fifty for `families`, six for `fastest` with the first two peers.
set -euo pipefail
cd "$(dirname "$0")/.."
data="${1:?usage: benches/compare.sh DATA [PYTHON] [PART…]}"
python="${2:-python3}"
parts=("${@:3}")
[ "${#parts[@]}" -gt 0 ] || parts=(nets plain operations booster folds imaging service)
all="$(nproc)"
cargo build --release --locked --quiet
tuned=(env MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184)

# One line of JSON from `digitstack … bench …`; options for the program stand behind the command.
ours() { target/release/digitstack --quiet --device cpu --json bench "$@" | tr -d '\n' && echo; }

nets() {
    "$python" benches/peers/peak.py --threads 1
    "$python" benches/peers/peak.py --threads "$all"
    for round in 1 2 3; do
        for batch in 32 128 512; do
            ours cnn --batch "$batch" --seconds 3 --threads "$all"
            "${tuned[@]}" "$python" benches/peers/nets.py cnn --batch "$batch" --threads "$all" --seconds 3
            DIGITSTACK_SIMD=avx2 ours cnn --batch "$batch" --seconds 3 --threads "$all" | sed 's/{/{"simd": "avx2",/'
        done
        ours dense --batch 25 --seconds 2 --threads 1
        "${tuned[@]}" "$python" benches/peers/nets.py dense --batch 25 --threads 1 --seconds 2
    done
    ours cnn --batch 128 --seconds 3 --threads 1
    "${tuned[@]}" "$python" benches/peers/nets.py cnn --batch 128 --threads 1 --seconds 3 --modes eager,compile
}
plain() {
    for batch in 32 128 512; do
        ours cnn --batch "$batch" --seconds 3 --threads "$all" --plain-ops
    done
}
operation_lines() {
    local torch=("${tuned[@]}" "$python" benches/peers/operations.py --seconds 0.2)
    for threads in 1 "$all"; do
        "$python" benches/peers/peak.py --threads "$threads"
        for batch in 32 128 512; do
            ours operations --batch "$batch" --seconds 0.2 --threads "$threads"
            DIGITSTACK_SIMD=avx2 ours operations --batch "$batch" --seconds 0.2 --threads "$threads"
            ours operations --batch "$batch" --seconds 0.1 --threads "$threads" --plain-ops
            "${torch[@]}" --batch "$batch" --threads "$threads"
        done
        "${torch[@]}" --batch 128 --threads "$threads" --variants compile
    done
}
# Prints the lines of a function and then their table: with_table SCRIPT FUNCTION.
with_table() {
    local lines
    lines="$(mktemp)"
    "$2" | tee "$lines"
    "$python" "benches/peers/$1.py" --table "$lines"
    rm "$lines"
}
operations() { with_table operations operation_lines; }
every_net="dense:quickstart cnn:quickstart dense:mnist-cpu cnn:mnist-cpu cnn-5x5:mnist-cpu dense:reference cnn:reference
    convnet1:families/convnet1 deskew-a:families/deskew-a deskew-a3:families/deskew-a deskew-b:families/deskew-b deskew-c:families/deskew-c
    elastic800:families/elastic800 dense128:families/kaggle deep:families/kaggle keras8:families/keras8 fastest:fastest"
family_lines() {
    local net model config
    for round in 1 2 3; do
        for net in ${DIGITSTACK_NETS:-$every_net}; do
            model="${net%%:*}" config="${net#*:}"
            ours net "$model" "$config" --seconds 2 --threads "$all" | sed "s|{|{\"config\": \"$config\",|"
            target/release/digitstack --json config check "$config" |
                "${tuned[@]}" "$python" benches/peers/families.py "$model" --seconds 2 --threads "$all" | sed "s|{|{\"config\": \"$config\",|"
        done
    done
}
families() { with_table families family_lines; }
fastest_lines() {
    local seed folder
    folder="$(mktemp -d)"
    for seed in 1 2 3 4 5 6 7 8 9 10; do
        target/release/digitstack --quiet --json --device cpu train fastest configs/fastest.toml --data "$data" --seed "$seed" --threads "$all" \
            --out "$folder/$seed" | "$python" benches/peers/fastest.py --own "$seed"
        target/release/digitstack --json config check configs/fastest.toml |
            "${tuned[@]}" "$python" benches/peers/fastest.py fastest --data "$data" --seeds "$seed" --threads "$all" \
                --peers "${DIGITSTACK_PEERS:-eager,channels-last,compile,bf16}"
    done
    rm -r "$folder"
}
fastest() { with_table fastest fastest_lines; }
booster() {
    for round in 1 2 3; do
        ours booster --data "$data" --threads "$all"
        "$python" benches/peers/lightgbm_train.py "$data" --threads "$all"
        "$python" benches/peers/lightgbm_train.py "$data" --threads 1 --max-bin 63 --layout row
    done
}
folds() {
    for seed in 1 2 3 4 5; do
        ours booster --data "$data" --images 15000 --trees 50 --folds 4 --threads "$all" --seed "$seed"
        "$python" benches/peers/lightgbm_train.py "$data" --rows 15000 --trees 50 --folds 4 --threads "$all" --seed "$seed"
    done
}
imaging() {
    for round in 1 2 3; do
        ours imaging --data "$data" --seconds 3 --threads "$all"
        "$python" benches/peers/preprocess.py "$data" --seconds 3
    done
}
# Starts a service in the background, waits until it answers, and warms it up: serving PORT COMMAND…
ask() { target/release/digitstack --json bench service "127.0.0.1:$1" --connections "$2" --seconds "$3" | tr -d '\n' && echo; }
serving() {
    local port="$1"
    "${@:2}" >/dev/null 2>&1 &
    service=$!
    until ask "$port" 1 0.1 >/dev/null 2>&1; do
        kill -0 "$service" 2>/dev/null || { echo "${*:2} did not start" >&2; return 1; }
        sleep 0.2
    done
    ask "$port" 8 5 >/dev/null
}
service() {
    local run="${DIGITSTACK_RUN:-artifacts/mnist-cpu}" service
    for round in 1 2 3; do
        serving 8028 target/release/digitstack --quiet serve "$run" --port 8028
        for connections in 1 8 64; do ask 8028 "$connections" 5; done
        kill "$service" && wait "$service" || true
        serving 8029 "$python" benches/peers/serve_flask.py "$run" --port 8029
        for connections in 1 8 64; do ask 8029 "$connections" 5 | sed 's/{/{"peer": "Flask",/'; done
        kill "$service" && wait "$service" || true
    done
}
for part in "${parts[@]}"; do "$part"; done
