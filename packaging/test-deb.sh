#!/usr/bin/env bash
# Installs a Debian package into an empty root and uses it there: packaging/test-deb.sh FILE.deb
#
# As root, dpkg installs it, and the program runs inside the root, which holds the package, the libraries that its
# dependencies bring, and nothing else. Otherwise it is unpacked and runs beside this system's files. Checks that lack
# their program (mandoc, systemd-analyze, lintian) say that they are skipped; with DIGITSTACK_TESTS=strict they fail.
set -euo pipefail

package="$(readlink -f "$1")"
work="$(mktemp -d)"
service=
# shellcheck disable=SC2317  # called by the trap
clean() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
root="$work/root"

fail() { echo "FAILED: $*" >&2; exit 1; }
skip() {
    echo "SKIPPED: $*"
    [ "${DIGITSTACK_TESTS:-}" != strict ]
}

field() { dpkg-deb --field "$package" "$1"; }
[ "$(field Package)" = digitstack ] || fail "the package is called $(field Package)"
echo "$(basename "$package"): version $(field Version), $(stat -c %s "$package") bytes, depends on $(field Depends)"

# Installed, with its scripts, by dpkg; the scripts of a package must not start a service that nobody configured.
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/tmp"
touch "$root/var/lib/dpkg/status"
inside=()
if [ "$(id -u)" = 0 ]; then
    dpkg --root="$root" --force-depends --force-script-chrootless --log=/dev/null --install "$package" >"$work/dpkg.log" 2>&1 ||
        { cat "$work/dpkg.log"; fail "dpkg does not install it"; }
    dpkg --root="$root" --verify digitstack >"$work/verify.log" || fail "$(cat "$work/verify.log")"
    # The libraries that the program is linked with, from this system.
    ldd "$root/usr/bin/digitstack" | grep -o '/[^ ]*' | while read -r library; do
        mkdir -p "$root/$(dirname "$library")"
        cp -L "$library" "$root/$library"
    done
    inside=("$(command -v chroot)" "$root")
    digitstack=/usr/bin/digitstack
    folder=/tmp
else
    dpkg-deb --extract "$package" "$root"
    digitstack="$root/usr/bin/digitstack"
    folder="$root/tmp"
fi
dpkg-deb --control "$package" "$work/control"
grep -qx /etc/default/digitstack "$work/control/conffiles" || fail "/etc/default/digitstack is no conffile"
! grep -hE 'systemctl (start|enable)|deb-systemd-invoke .*start' "$work/control/postinst" 2>/dev/null | grep -v restart ||
    fail "the package starts the service"
for file in \
    usr/bin/digitstack \
    usr/share/man/man1/digitstack.1.gz \
    usr/share/man/man1/digitstack-serve.1.gz \
    usr/share/bash-completion/completions/digitstack \
    usr/share/zsh/vendor-completions/_digitstack \
    usr/share/fish/vendor_completions.d/digitstack.fish \
    usr/share/doc/digitstack/copyright \
    usr/share/doc/digitstack/changelog.gz \
    usr/share/doc/digitstack/README.md \
    usr/share/doc/digitstack/docs/service.md \
    usr/share/doc/digitstack/examples/mnist-cpu.toml \
    usr/share/doc/digitstack/examples/families/kaggle.toml \
    etc/default/digitstack; do
    [ -s "$root/$file" ] || fail "$file is missing"
done
unit="$(find "$root" -path '*systemd/system/digitstack.service')"
[ -s "$unit" ] || fail "the unit is missing"

# The program, with nothing in its environment.
run() { env -i PATH=/usr/bin:/bin HOME="$folder" "${inside[@]}" "$digitstack" "$@"; }
version="$(run --version)"
[ "$(field Version)" = "${version#digitstack }-1" ] || fail "$version in a package of version $(field Version)"
begun=$SECONDS
run run quickstart --quiet --device cpu --out "$folder/run" --set data.train=600 --set data.test=200 \
    --set members.cnn.training.epochs=1 --set members.dense.training.epochs=2 --set members.booster.booster.trees=5
echo "first result after $((SECONDS - begun)) seconds"
run data split "$folder/tables" --quiet --train 100 --test 40 >/dev/null
run predict "$folder/run" --quiet --csv "$folder/tables/test.csv" --out "$folder/answers.csv" \
    --answers "$folder/tables/test-labels.csv"
[ "$(wc -l <"$root/tmp/answers.csv")" = 41 ] || fail "$(wc -l <"$root/tmp/answers.csv") lines of answers, expected 41"

# The service, by one drawing and by its health check, with its options from the environment.
port=$((20000 + RANDOM % 20000))
env -i DIGITSTACK_SERVE_PORT="$port" "${inside[@]}" "$digitstack" serve "$folder/run" >"$work/service.log" 2>&1 &
service=$!
for _ in $(seq 100); do
    run serve --health --port "$port" >/dev/null 2>&1 && break
    kill -0 "$service" 2>/dev/null || fail "$(cat "$work/service.log")"
    sleep 0.2
done
run serve --health --port "$port"
run bench service "127.0.0.1:$port" --connections 1 --seconds 1
kill -TERM "$service"
wait "$service" || fail "the service ended with $?: $(cat "$work/service.log")"
service=

# Manual, completions, unit, and Debian's own rules.
if command -v mandoc >/dev/null 2>&1; then
    for page in "$root"/usr/share/man/man1/*.gz; do
        zcat "$page" | mandoc -T lint -W error || fail "$page"
    done
else
    skip "mandoc is not installed: the manual is not checked"
fi
bash -n "$root/usr/share/bash-completion/completions/digitstack"
if command -v systemd-analyze >/dev/null 2>&1; then
    # It looks for the program and its manual on this system, where they are not.
    sed "s|/usr/bin/digitstack|$root/usr/bin/digitstack|; /^Documentation/d" "$unit" >"$work/digitstack.service"
    problems="$(systemd-analyze verify --man=no "$work/digitstack.service" 2>&1 | grep digitstack || true)"
    [ -z "$problems" ] || fail "$problems"
    systemd-analyze security --offline=true --threshold=20 "$work/digitstack.service" | tail -n 1 ||
        fail "the unit is exposed more than 2.0"
else
    skip "systemd-analyze is not installed: the unit is not checked"
fi
if command -v lintian >/dev/null 2>&1; then
    lintian --allow-root --fail-on error "$package" || fail "lintian finds errors"
else
    skip "lintian is not installed"
fi

if [ "$(id -u)" = 0 ]; then
    dpkg --root="$root" --force-script-chrootless --log=/dev/null --purge digitstack >"$work/dpkg.log" 2>&1 ||
        { cat "$work/dpkg.log"; fail "dpkg does not remove it"; }
    left="$(find "$root" -name '*digitstack*' -not -path "$root/tmp/*" -not -path "$root/var/*")"
    [ -z "$left" ] || fail "removed, it leaves $left"
fi
echo "the package was installed, used and removed"
