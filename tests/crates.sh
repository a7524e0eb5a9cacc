#!/usr/bin/env bash
# Packs every crate as `cargo publish` would, and looks into the archives: size, licences, a README, and no file that only
# the repository needs. `cargo publish --workspace --dry-run` also compiles them; that is a step of a release.
set -euo pipefail
cd "$(dirname "$0")/.."

# The registry's limit.
max_bytes=$((10 * 1024 * 1024))
target="${CARGO_TARGET_DIR:-target}"
rm -rf "$target/package"
cargo package --workspace --no-verify --locked --allow-dirty --quiet 2>&1 |
    grep -vE 'warning: ignoring (test|benchmark|example) .* is not included in the published package|^$' || true

version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)"
for crate in digitstack flex-kernels digitstack-lightgbm-sys; do
    archive="$target/package/$crate-$version.crate"
    [ -f "$archive" ] || { echo "$archive was not made" >&2; exit 1; }
    bytes="$(stat -c %s "$archive")"
    files="$(tar -tzf "$archive" | sed "s|^$crate-$version/||")"
    for file in Cargo.toml README.md LICENSE-MIT LICENSE-APACHE; do
        grep -qx "$file" <<<"$files" || { echo "$archive lacks $file" >&2; exit 1; }
    done
    if grep -E '^(\.ci|target|tests|proptest-regressions|packaging|crates)/' <<<"$files"; then
        echo "$archive has files that only the repository needs" >&2
        exit 1
    fi
    [ "$bytes" -le "$max_bytes" ] || { echo "$archive has $bytes bytes, more than $max_bytes" >&2; exit 1; }
    echo "$crate $version: $(wc -l <<<"$files") files, $bytes bytes"
done
grep -q "^## \[$version\]" CHANGELOG.md || { echo "CHANGELOG.md has no section [$version]" >&2; exit 1; }
