#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/fresh.sh bookworm|trixie [COMMAND...]
#
# Make a minimal Debian root with debootstrap, clone this repository into it,
# and run `./run demo` and `./run check` there, as a new user would. Needs
# root and debootstrap. With COMMAND, run that instead ("./run packages").
# The root is kept in FRESH_ROOT (default /var/tmp/riptide-fresh-SUITE) and
# made anew each time; the base system is cached beside it.
set -u
suite=${1:-}
case $suite in bookworm | trixie) ;; *)
	sed -n '3,11s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
shift
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${FRESH_ROOT:-/var/tmp/riptide-fresh-$suite}
[ "$(id -u)" = 0 ] || { echo "fresh.sh: root is needed for a chroot" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "fresh.sh: apt-get install debootstrap" >&2; exit 2; }

# The mirror that this machine's apt already uses.
mirror=$(apt-get indextargets --format '$(COMPONENT) $(REPO_URI) $(ORIGIN)' "Created-By: Packages" |
	awk '$1 == "main" && $3 == "Debian" { print $2; exit }')
[ -n "$mirror" ] || { echo "fresh.sh: apt knows no Debian mirror" >&2; exit 2; }

unmount() {
	local m
	for m in dev/pts dev/shm dev proc sys; do
		mountpoint -q "$dir/$m" && umount -l "$dir/$m"
	done
}
trap unmount EXIT
unmount
rm -rf --one-file-system "$dir"
if [ ! -f "$dir.tar" ]; then
	echo "== debootstrap $suite (minimal)"
	debootstrap --variant=minbase "$suite" "$dir" "$mirror" >"$dir.log" 2>&1 ||
		{ tail -5 "$dir.log"; exit 1; }
	tar -C "$dir" -cf "$dir.tar" .
else
	mkdir -p "$dir" && tar -C "$dir" -xf "$dir.tar"
fi
# The same proxies and resolver as the host; nothing else.
cp /etc/resolv.conf "$dir/etc/" 2>/dev/null
cp /etc/apt/apt.conf.d/*proxy* "$dir/etc/apt/apt.conf.d/" 2>/dev/null
for c in /etc/ssl/certs/ca-certificates.crt; do
	[ -f "$c" ] && mkdir -p "$dir/etc/ssl/certs" && cp "$c" "$dir/etc/ssl/certs/"
done
mount -t proc proc "$dir/proc"
mount -t sysfs sys "$dir/sys"
mount --bind /dev "$dir/dev"
mount -t devpts devpts "$dir/dev/pts" 2>/dev/null
mkdir -p "$dir/dev/shm"
mountpoint -q "$dir/dev/shm" || mount -t tmpfs tmpfs "$dir/dev/shm"
git clone -q "$root" "$dir/root/riptide"

inside() {
	echo "== $suite: $*"
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
		http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
		chroot "$dir" /bin/bash -c "cd /root/riptide && $*"
}
if [ $# -gt 0 ]; then
	inside "$*"
	exit
fi
inside "./run demo --yes" && inside "./run check --yes" &&
	echo "== $suite: both passed"
