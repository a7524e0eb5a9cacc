#!/usr/bin/env bash
# Runs every fuzz target, or those that are named: tests/fuzz.sh [SECONDS [TARGET...]]. SECONDS (12) is the time of each.
#
# Builds them with the stable compiler and libFuzzer's own coverage, into a folder of their own. What a run finds new stays in
# crates/fuzz/corpus; an input that breaks a property is written to crates/fuzz/artifacts and ends the script.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-12}"
shift || true
all=(idx csv folder picture config request study_log weights)
targets=("${@:-${all[@]}}")
host="$(rustc -vV | sed -n 's/^host: //p')"
case "$host" in
    *-linux-gnu) ;;
    *) echo "SKIPPED: the fuzz targets are built on Linux alone, this is $host"; [ "${DIGITSTACK_TESTS:-}" != strict ]; exit ;;
esac
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# The versions of the program itself.
cp Cargo.lock crates/fuzz/Cargo.lock
if ! cargo fetch --quiet --manifest-path crates/fuzz/Cargo.toml; then
    echo "SKIPPED: libFuzzer's crate cannot be fetched, so the fuzz targets are not built"
    [ "${DIGITSTACK_TESTS:-}" != strict ]
    exit
fi
# With --target the flags are not those of build scripts and macros.
cargo build --quiet --release --manifest-path crates/fuzz/Cargo.toml --target "$host" "${targets[@]/#/--bin=}"
for target in "${targets[@]}"; do
    corpus="crates/fuzz/corpus/$target" findings="crates/fuzz/artifacts/$target"
    mkdir -p "$corpus" "$findings"
    seeds=()
    case "$target" in
        config) seeds=(configs configs/tuning) ;;
        study_log) seeds=(tests/data/tuning) ;;
        weights) seeds=(tests/data/nn) ;;
        *) seeds=("crates/fuzz/seeds/$target") ;;
    esac
    echo "== $target, $seconds s"
    "$CARGO_TARGET_DIR/$host/release/$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=20000 \
        -print_final_stats=1 -artifact_prefix="$findings/" "$corpus" "${seeds[@]}" 2>&1 |
        tee "$findings/log" | grep -E "^(stat::number_of_executed|stat::peak|==[0-9]+== ERROR|thread |artifact_prefix|Test unit)" || true
    ! grep -qE "ERROR: libFuzzer|panicked at" "$findings/log"
done
