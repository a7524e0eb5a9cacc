#!/usr/bin/env bash
# Runs every check of this project, cheapest first. A person before a commit and CI run this same script.
#
# Needs Rust and a C++ compiler. Uses, if there: rustfmt, clippy, cargo-deny, cargo-deb with dpkg, mandoc, systemd-analyze and lintian, a Python with LightGBM, Optuna, ONNX Runtime, safetensors,
# TensorBoard and tritonclient (DIGITSTACK_PYTHON, or python3), Chromium with its WebDriver, a software Vulkan driver, the real MNIST (DIGITSTACK_DATA), AddressSanitizer.
# A check that lacks one of them says that it is skipped; with DIGITSTACK_TESTS=strict it fails.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

skip() {
    echo "SKIPPED: $*"
    [ "${DIGITSTACK_TESTS:-}" != strict ]
}

say "formatting"
if cargo fmt --version >/dev/null 2>&1; then
    cargo fmt --all --check
else
    skip "rustfmt is not installed (rustup component add rustfmt)"
fi

say "licences and sources of the dependencies"
if command -v cargo-deny >/dev/null 2>&1; then
    cargo deny --offline check licenses bans sources
else
    skip "cargo-deny is not installed"
fi

say "crates as they would be published"
tests/crates.sh

# One profile for everything, the program's own, so that no dependency is compiled twice.
say "lints"
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --release --workspace --all-targets --locked -- -D warnings
else
    skip "clippy is not installed (rustup component add clippy)"
fi

say "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked --quiet

say "tests"
cargo test --release --workspace --locked

# Of the program that the tests have built.
say "Debian package"
if command -v cargo-deb >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; then
    package="$(packaging/deb.sh)"
    packaging/test-deb.sh "$package"
else
    skip "cargo-deb or dpkg is not installed"
fi

say "speed of the CPU kernels beside Burn's own operations"
cargo bench --quiet --locked --bench speedup

say "vector kernels under AddressSanitizer"
tests/memory.sh

say "fuzz targets, two minutes in all"
tests/fuzz.sh 15
