#!/usr/bin/env bash
# The vector kernels under AddressSanitizer: a load or store beside its slice ends the run. Takes about a minute.
#
# The sanitizer is part of the Linux toolchains of Rust, behind a flag that stable compilers take only with RUSTC_BOOTSTRAP; elsewhere this
# says that it is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$(rustc -vV | sed -n 's/^host: //p')"
if ! ls "$(rustc --print sysroot)/lib/rustlib/$target/lib/"librustc*_rt.asan.* >/dev/null 2>&1; then
    echo "SKIPPED: this Rust toolchain ($target) has no AddressSanitizer"
    [ "${DIGITSTACK_TESTS:-}" != strict ]
    exit
fi
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitizer" CARGO_PROFILE_DEV_OPT_LEVEL=1
cargo test --quiet --locked --package flex-kernels --no-default-features --lib --target "$target"
