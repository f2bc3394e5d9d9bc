#!/bin/bash
# Installs what is missing, and only that: Debian packages by name, Go tools at
# pinned versions into the cache, outside this module.
#
#   scripts/deps.sh build|demo|test|lint
#   WINDOWS=1 scripts/deps.sh demo    for the demo with Windows, too
set -euo pipefail

# What `make demo` runs: the story itself, and the lab's machines, which are made of
# this machine's programs.
demo_packages=(
	ca-certificates e2fsprogs dosfstools fdisk util-linux mount tar
	mmdebstrap debian-archive-keyring
	openssh-client curl iproute2
)

# What a Windows needs besides: NTFS for the rescue, the lab and the disk that is made;
# hivexregedit for the lab and that disk.
windows_packages=(ntfs-3g libwin-hivex-perl)

# What tests run besides: mkfs and friends for every format that offline/block
# knows, the packaged sshd as oracle, the AWS CLI as a client that we did not
# write, openssl and Mono as others that decrypt and encrypt passwords, QEMU for whole
# systems, and gcc because -race needs cgo.
test_packages=(
	"${demo_packages[@]}" "${windows_packages[@]}"
	xfsprogs btrfs-progs squashfs-tools xorriso gdisk
	genisoimage lvm2 cryptsetup-bin mdadm
	openssh-server awscli qemu-system-x86 psmisc procps
	acl attr git python3
	libhivex-bin mono-mcs openssl strace
	grub-common pamtester qemu-utils selinux-utils tcpd
	binutils gcc libc6-dev
)

# What tests only unpack: apt must know where it is.
test_downloads=(selinux-policy-default)

golangci_lint=github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
govulncheck=golang.org/x/vuln/cmd/govulncheck@v1.9.0
gotestsum=gotest.tools/gotestsum@v1.13.0

cache=${REGAIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/regain}

main() {
	case ${1:-} in
	build) need_go ;;
	demo)
		need_go
		[ "${WINDOWS:-}" != 1 ] || demo_packages+=("${windows_packages[@]}")
		packages "${demo_packages[@]}"
		;;
	test)
		need_go
		packages "${test_packages[@]}"
		known "${test_downloads[@]}"
		tool "$gotestsum"
		;;
	lint)
		need_go
		tool "$golangci_lint"
		tool "$govulncheck"
		;;
	*)
		echo "usage: scripts/deps.sh build|demo|test|lint" >&2
		exit 2
		;;
	esac
}

need_go() {
	if ! command -v go >/dev/null; then
		echo "deps: Go is missing: install it from https://go.dev/dl (go.mod names the version)" >&2
		exit 1
	fi
}

packages() {
	local missing=() name
	for name in "$@"; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" != 0 ]; then
		echo "deps: these Debian packages are missing, and only root can install them:" >&2
		echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	echo "deps: installing ${missing[*]}" >&2
	install_packages "${missing[@]}" || {
		echo "deps: cannot install the packages; apt's last words:" >&2
		tail -n 20 "$log" >&2
		exit 1
	}
}

# known makes apt look at its mirror when it has no list yet.
known() {
	apt-cache show "$@" >/dev/null 2>&1 || [ "$(id -u)" != 0 ] || apt-get update -qq -o DPkg::Lock::Timeout=300
}

install_packages() {
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	apt-get update -q -o DPkg::Lock::Timeout=300 >"$log" 2>&1 || return
	# openssh-server, mdadm and others start a service when they are installed.
	# policy-rc.d forbids that; a policy that somebody else put there stays.
	local policy=/usr/sbin/policy-rc.d ours=
	if [ ! -e "$policy" ]; then
		ours=yes
		trap 'rm -f "$log" '"$policy" EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
	fi
	local had_sshd=
	[ ! -e /usr/sbin/sshd ] || had_sshd=yes
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		-o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 || return
	[ -z "$ours" ] || rm -f "$policy"
	if [ -z "$had_sshd" ] && [ -e /usr/sbin/sshd ] && command -v systemctl >/dev/null; then
		systemctl -q disable ssh.service ssh.socket 2>/dev/null || true # not at the next boot either
	fi
}

# tool installs MODULE@VERSION and links it from the cache's bin.
tool() {
	local name=${1%@*} version=${1#*@} dir
	name=${name##*/}
	dir=$cache/tools/$name@$version
	if [ ! -x "$dir/$name" ]; then
		echo "deps: building $name $version" >&2
		mkdir -p "$cache/tools"
		(cd / && GOBIN="$dir" GOFLAGS= CGO_ENABLED=0 go install "$1" 2>"$dir.log") || {
			grep -v '^go: downloading' "$dir.log" >&2
			exit 1
		}
	fi
	mkdir -p "$cache/bin"
	ln -sfn "../tools/$name@$version/$name" "$cache/bin/$name"
}

main "$@"
