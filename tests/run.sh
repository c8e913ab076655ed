#!/bin/sh
# Runs all tests. Installs what they need from the system where it may (as root, with apt-get), and names it where it
# may not. Arguments are passed on to `cargo test`.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "tests/run.sh: $*" >&2; }

command -v cargo >/dev/null 2>&1 || {
    say "cargo is missing: install Rust 1.94.1 or newer, with rustup or from your distribution"
    exit 1
}

# Program and the Debian package that has it.
missing=
need() {
    # Debian keeps the server of PostgreSQL, of whatever version, out of everybody's way.
    PATH="$PATH:/usr/sbin:$(printf '%s:' /usr/lib/postgresql/*/bin)" command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need cc build-essential
need bash bash
need busybox busybox
need curl curl
need dash dash
need fish fish
need git git
need man man-db
need nc netcat-openbsd
need pgbench postgresql
need ps procps
need psql postgresql-client
need python3 python3
need rsync rsync
need scp openssh-client
need setpriv util-linux
need sftp openssh-client
need shellcheck shellcheck
need ssh openssh-client
need ssh-keygen openssh-client
need sshd openssh-server
need zsh zsh
[ -r /usr/share/bash-completion/bash_completion ] || missing="$missing bash-completion"
[ -n "$(find /usr/lib /usr/lib64 -maxdepth 2 -name libnss_wrapper.so 2>/dev/null)" ] || missing="$missing libnss-wrapper"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

if [ -n "$missing" ]; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "installing$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q
        # shellcheck disable=SC2086 # one word a package
        apt-get install -q -y --no-install-recommends $missing
    else
        say "missing; install these packages (Debian's names):$missing"
        exit 1
    fi
fi

# Programs from PyPI, each in a folder of its own: the folder, the program and the package that has it.
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
python_program() {
    venv=$target/$1
    "$venv/bin/$2" --version >/dev/null 2>&1 && return
    say "installing $3 into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$3"
}
python_program aws-cli aws 'awscli>=1.44,<2'
python_program ansible ansible 'ansible-core>=2.16,<2.21'
SSMX_TEST_AWS=$target/aws-cli/bin/aws
SSMX_TEST_ANSIBLE=$target/ansible/bin/ansible
export SSMX_TEST_AWS SSMX_TEST_ANSIBLE

exec cargo test "$@"
