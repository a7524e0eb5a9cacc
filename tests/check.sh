#!/usr/bin/env bash
# Every check of this project, cheapest first. What a person runs before a commit and what CI runs are this script.
#
# Needs Rust and a C++ compiler. Uses, if there: a Python with LightGBM, Optuna, ONNX Runtime and safetensors (DIGITSTACK_PYTHON, or
# python3), Chromium with its WebDriver, a software Vulkan driver, the real MNIST (DIGITSTACK_DATA) and cargo-deny; tests that need one of them
# say when they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

say "formatting"
if cargo fmt --version >/dev/null 2>&1; then cargo fmt --all --check; else echo "SKIPPED: rustfmt is not installed (rustup component add rustfmt)"; fi

say "licences and advisories"
if command -v cargo-deny >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; else echo "SKIPPED: cargo-deny is not installed"; fi

# One profile for everything, the program's own, so that no dependency is compiled twice.
say "lints"
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --release --workspace --all-targets --locked -- -D warnings
else
    echo "SKIPPED: clippy is not installed (rustup component add clippy)"
fi

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked --quiet

say "tests"
cargo test --release --workspace --locked

say "speed of the CPU kernels beside Burn's own operations"
cargo bench --quiet --locked --bench speedup

say "vector kernels under AddressSanitizer"
tests/memory.sh
