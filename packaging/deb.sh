#!/usr/bin/env bash
# Makes a Debian package of the program that is built already, with its manual and completions, and prints the path:
#
#   cargo build --release --locked [--no-default-features]
#   packaging/deb.sh [FOLDER]        the folder for the package [target/debian]
#
# Needs cargo-deb (cargo install --locked cargo-deb). The same program gives the same package: times in it are those of the
# last commit.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
out="${1:-$target/debian}"
program="$target/release/digitstack"
if [ ! -x "$program" ]; then
    echo "$program is missing: cargo build --release --locked" >&2
    exit 2
fi
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH

generated=packaging/generated
rm -rf "$generated"
mkdir -p "$generated/man" "$out"
"$program" man "$generated/man" --quiet >/dev/null
for shell in bash zsh fish; do
    "$program" completions "$shell" >"$generated/digitstack.$shell"
done
gzip -9nc CHANGELOG.md >"$generated/changelog.gz"
# Debian's own, of its own form.
cat >"$generated/changelog" <<END
digitstack ($("$program" --version | cut -d ' ' -f 2)-1) unstable; urgency=medium

  * The changes are in /usr/share/doc/digitstack/changelog.gz.

 -- $(sed -n 's/^maintainer = "\(.*\)"/\1/p' Cargo.toml)  $(LC_ALL=C date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END

cargo deb --locked --no-build --quiet --output "$out/" >&2
ls -t "$out"/digitstack_*.deb | head -n 1
