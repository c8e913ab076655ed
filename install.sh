#!/bin/sh
# Installs ssmx: the program, its man pages, and its completions where each shell looks for them.
# `install.sh --help` says how. Needs nothing but a POSIX shell and the usual tools; never asks for another user's rights.
set -eu

# The public key that signs releases (`ssh-ed25519 AAAA…`). Empty: releases are not signed yet.
release_key=''

usage() {
    cat <<'END'
Installs ssmx: the program, its man pages, and its completions for bash, zsh, fish, elvish and PowerShell.

Usage: install.sh [OPTIONS]                 builds ssmx from the source tree of this script, and installs it
       install.sh [OPTIONS] ARCHIVE         installs a release archive (.tar.gz): a path, or an https:// URL
       install.sh --uninstall [--prefix DIR]

Options:
  --prefix DIR    where to install [default: ~/.local, or /usr/local for root]
  --sha256 HEX    checksum of the archive [default: read from ARCHIVE.sha256, beside it]
  --key FILE      public key that must have signed the archive, in ARCHIVE.sig [default: the one of releases]
  --binary FILE   installs this program instead of building one, with the tree's pages and completions
  --plugin        also links session-manager-plugin to ssmx, for the AWS CLI
  --uninstall     removes the files installed under the prefix, and nothing else
  --help          shows this help

Run it again at any time to update or repair. SSMX_INSTALL_BINARY does the same as --binary.
END
}

say() { printf '%s\n' "$*" >&2; }

# Ends with what happened, and what to do about it.
die() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

wrong_usage() {
    printf 'error: %s\nhint: see install.sh --help\n' "$1" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# All in functions, and called in the last line: a script that arrives in part, through a pipe, does nothing.
main() {
    read_arguments "$@"
    choose_places
    work=$(mktemp -d) || die "cannot create a temporary folder" "set TMPDIR to a folder you can write to"
    trap 'rm -rf "$work"' EXIT
    : >"$work/removed"
    : >"$work/changed"
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [ -n "$uninstall" ]; then
        remove_all
        return
    fi
    check_places
    find_source
    check_program
    put_all
    say_what_is_left
}

read_arguments() {
    prefix='' archive='' checksum='' key='' binary='' plugin='' uninstall=''
    while [ $# -gt 0 ]; do
        case $1 in
            --prefix | --sha256 | --key | --binary)
                [ -n "${2:-}" ] || wrong_usage "$1 needs a value"
                case $1 in
                    --prefix) prefix=$2 ;;
                    --sha256) checksum=$2 ;;
                    --key) key=$2 ;;
                    --binary) binary=$2 ;;
                esac
                shift
                ;;
            --prefix=?*) prefix=${1#*=} ;;
            --sha256=?*) checksum=${1#*=} ;;
            --key=?*) key=${1#*=} ;;
            --binary=?*) binary=${1#*=} ;;
            --plugin) plugin=yes ;;
            --uninstall) uninstall=yes ;;
            --help | -h)
                usage
                exit 0
                ;;
            -* | '') wrong_usage "unknown option \`$1\`" ;;
            *)
                [ -z "$archive" ] || wrong_usage "only one archive can be installed"
                archive=$1
                ;;
        esac
        shift
    done
    [ -z "$archive" ] || [ -z "$binary" ] || wrong_usage "give an archive or a program, not both"
    [ -z "$checksum" ] || [ -n "$archive" ] || wrong_usage "--sha256 needs an archive"
    [ -z "$key" ] || [ -n "$archive" ] || wrong_usage "--key needs an archive"
    [ -z "$uninstall" ] || [ -z "$archive$binary$plugin" ] || wrong_usage "--uninstall takes no other option than --prefix"
}

# Sets where things go: $bin, $man, $share for those of bash, fish and zsh, and $own for the rest.
choose_places() {
    xdg=''
    if [ -z "$prefix" ]; then
        if [ "$(id -u)" -eq 0 ]; then
            prefix=/usr/local
        else
            [ -n "${HOME:-}" ] || die "there is no home folder: HOME is not set" "name a folder with --prefix DIR"
            prefix=$HOME/.local
            case ${XDG_DATA_HOME:-} in /*) xdg=$XDG_DATA_HOME ;; esac
        fi
    fi
    case $prefix in
        *'
'*) wrong_usage "the prefix cannot contain a line break" ;;
        /*) ;;
        *) prefix=$(pwd)/$prefix ;;
    esac
    while [ "$prefix" != "${prefix%/}" ]; do prefix=${prefix%/}; done
    bin=$prefix/bin
    man=$prefix/share/man/man1
    zsh=$prefix/share/zsh/site-functions
    # These two look where XDG_DATA_HOME says.
    bash=${xdg:-$prefix/share}/bash-completion/completions
    fish=${xdg:-$prefix/share}/fish/vendor_completions.d
    own=$prefix/share/ssmx
    manifest=$own/manifest
    link=$bin/session-manager-plugin
}

# Refuses before minutes of building what cannot be installed afterwards.
check_places() {
    existing=$bin
    while [ ! -d "$existing" ]; do existing=$(dirname "$existing"); done
    [ -w "$existing" ] ||
        die "cannot write to $existing" "choose another folder with --prefix, or run this as a user who can write there"
    has sha256sum || has shasum || die "no program to compute checksums" "install coreutils, which has sha256sum"
    [ -z "$plugin" ] || is_ours_or_free "$link" ||
        die "$link already exists and is not ssmx" "remove it first to let ssmx take its place"
}

# Whether the path of the link is free, or has a link to the ssmx beside it.
is_ours_or_free() {
    if [ -L "$1" ]; then
        case $(readlink "$1") in
            ssmx | "$bin/ssmx") return 0 ;;
        esac
        return 1
    fi
    [ ! -e "$1" ]
}

# Sets $binary, and $tree with the pages and completions.
find_source() {
    if [ -n "$archive" ]; then
        open_archive
        return
    fi
    tree=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
    [ -f "$tree/completions/ssmx.bash" ] ||
        die "this script is not in a source tree of ssmx" "give the path or the URL of a release archive"
    [ -n "$binary" ] || binary=${SSMX_INSTALL_BINARY:-}
    [ -n "$binary" ] || build
}

build() {
    has cargo || die "cargo is missing" "install Rust 1.94.1 or newer, with rustup or from your distribution"
    has cc || die "a C compiler is missing" "on Debian: apt-get install build-essential; on macOS: xcode-select --install"
    say "Building ssmx. The first time this takes minutes and some gigabytes, nearly all of it for the AWS SDK."
    # Into a folder of its own, wherever cargo is configured to build.
    (cd "$tree" && cargo install --quiet --locked --no-track --path . --root "$work/built") ||
        die "the build failed" "see the output of cargo above"
    binary=$work/built/bin/ssmx
}

# Takes a private copy of the archive, and unpacks it once its checksum and its signature are right: of a file that others
# can write, what is checked would not be what is unpacked.
open_archive() {
    copy=$work/archive.tar.gz
    given=$checksum
    case $archive in
        https://*)
            say "Fetching $archive"
            fetch "$archive" "$copy"
            [ -n "$given" ] || fetch "$archive.sha256" "$work/archive.sha256"
            ;;
        *://*) wrong_usage "archives are fetched only from https:// URLs" ;;
        *)
            [ -f "$archive" ] || die "$archive does not exist"
            cp "$archive" "$copy" || die "cannot copy $archive to $work"
            if [ -z "$given" ]; then
                [ -f "$archive.sha256" ] ||
                    die "$archive.sha256 is missing, so the archive cannot be verified" "give the checksum with --sha256 HEX"
                cp "$archive.sha256" "$work/archive.sha256" || die "cannot copy $archive.sha256 to $work"
            fi
            ;;
    esac
    check_sum
    check_signature

    mkdir "$work/unpacked"
    tar -xzf "$copy" -C "$work/unpacked" || die "cannot unpack $archive"
    # The files, or one folder with the files.
    for tree in "$work/unpacked" "$work/unpacked"/*; do
        binary=$tree/ssmx
        [ ! -f "$binary" ] || return 0
    done
    die "$archive does not contain ssmx"
}

check_sum() {
    if [ -z "$given" ]; then
        read -r checksum _ <"$work/archive.sha256" || [ -n "$checksum" ] || die "$archive.sha256 is empty"
    fi
    expected=$(printf '%s' "$checksum" | tr 'ABCDEF' 'abcdef')
    case $expected in *[!0-9a-f]*) expected='' ;; esac
    [ ${#expected} -eq 64 ] || die "\`$checksum\` is not a SHA-256 checksum, which has 64 hexadecimal digits"
    found=$(sha256 "$copy")
    [ "$found" = "$expected" ] ||
        die "the checksum of $archive is wrong: expected $expected, found $found" \
            "it is damaged, or not the right one: do not use it, and fetch it again"
}

# A checksum that lies beside the archive shows damage, and not who made it.
check_signature() {
    signer=$release_key
    if [ -n "$key" ]; then
        [ -f "$key" ] || die "$key does not exist" "name the file of a public key with --key"
        # Without the name at its end.
        read -r type blob _ <"$key" || [ -n "${blob:-}" ] || die "$key is not a public key"
        signer="$type ${blob:-}"
    fi
    if [ -z "$signer" ]; then
        [ -n "$given" ] ||
            say "Note: only the checksum beside $archive was verified. It shows damage, and not who made the archive."
        return 0
    fi
    signature=$work/archive.sig
    if ! get_signature; then
        missing="$archive.sig is missing, so nobody vouches for the archive"
        [ -z "$key" ] || die "$missing" "do not use it, and ask where it is from for the signature"
        [ -n "$given" ] || die "$missing" "do not use it, or give a checksum that you trust with --sha256 HEX"
        say "Note: $archive is not signed. Only the checksum that you gave was verified."
        return 0
    fi
    has ssh-keygen || die "ssh-keygen is missing, so the signature cannot be verified" "install the OpenSSH client"
    printf 'ssmx namespaces="ssmx-release" %s\n' "$signer" >"$work/signers"
    ssh-keygen -Y verify -f "$work/signers" -I ssmx -n ssmx-release -s "$signature" <"$copy" >"$work/verified" 2>&1 ||
        die "the signature of $archive is wrong: $(tail -n 1 "$work/verified")" "do not use it: somebody else made it"
    say "The signature of $archive is right."
}

fetch() {
    has curl || die "curl is missing" "install it to fetch archives, or give the path of an archive"
    curl --proto '=https' --tlsv1.2 --fail --location --silent --show-error --retry 2 --output "$2" "$1" ||
        die "cannot fetch $1" "see the output of curl above"
}

# Whether there is a signature: it may be missing, and that is no error yet.
get_signature() {
    case $archive in
        https://*) curl --proto '=https' --tlsv1.2 --fail --location --silent --retry 2 --output "$signature" "$archive.sig" ;;
        *) [ -f "$archive.sig" ] && cp "$archive.sig" "$signature" ;;
    esac
}

sha256() {
    if has sha256sum; then
        digest=$(sha256sum <"$1")
    else
        digest=$(shasum -a 256 <"$1")
    fi
    printf '%s' "${digest%% *}"
}

# What does not run here replaces nothing that does.
check_program() {
    case $binary in */*) ;; *) binary=./$binary ;; esac
    [ -f "$binary" ] || die "$binary does not exist"
    named=$binary
    # What is tried is what is installed.
    binary=$work/program
    cp "$named" "$binary" || die "cannot copy $named to $work"
    chmod 755 "$binary"
    version=$("$binary" --version) ||
        die "$named does not run on this machine ($(uname -s) $(uname -m))" \
            "it must be built for this machine; if programs cannot run in ${TMPDIR:-/tmp}, set TMPDIR"
    case $version in
        'ssmx '*) ;;
        *) die "$named is not ssmx" ;;
    esac
}

# Calls a function with MODE, SOURCE and DESTINATION of every file.
each_file() {
    "$1" 755 "$binary" "$bin/ssmx"
    "$1" 644 "$tree/completions/ssmx.bash" "$bash/ssmx"
    "$1" 644 "$tree/completions/_ssmx" "$zsh/_ssmx"
    "$1" 644 "$tree/completions/ssmx.fish" "$fish/ssmx.fish"
    "$1" 644 "$tree/completions/ssmx.elv" "$own/ssmx.elv"
    "$1" 644 "$tree/completions/_ssmx.ps1" "$own/_ssmx.ps1"
    for page in "$tree"/docs/man/*.1; do
        "$1" 644 "$page" "$man/${page##*/}"
    done
}

# The manifest tells what is ours, so that no more than that is ever removed. A line each:
#   CHECKSUM PATH   a file, as it was installed
#   link PATH       the link to the program
#   dir PATH        a folder that was not there before
# It is written before the first file, so that an installation that breaks off can be removed as well.
put_all() {
    umask 022
    : >"$work/new"
    for dir in "$bin" "$man" "$bash" "$zsh" "$fish" "$own"; do plan_folder "$dir"; done
    each_file plan_file
    [ -z "$plugin" ] || printf 'link %s\n' "$link" >>"$work/new"
    if [ -f "$manifest" ]; then cp "$manifest" "$work/old"; else : >"$work/old"; fi
    mkdir -p "$own"
    write_manifest "$work/new" "$work/old"

    mkdir -p "$bin" "$man" "$bash" "$zsh" "$fish"
    each_file put_file
    if [ -n "$plugin" ] && [ ! -L "$link" ]; then ln -s ssmx "$link"; fi

    remove_files_of_older_version
    # Folders and the link stay ours when they were so before.
    grep -e '^dir ' -e '^link ' "$work/old" >"$work/kept" || :
    write_manifest "$work/new" "$work/kept"
}

# Notes the folder, and those above it, that have to be made.
plan_folder() {
    folder=$1
    while [ ! -d "$folder" ]; do
        printf 'dir %s\n' "$folder" >>"$work/new"
        folder=$(dirname "$folder")
    done
}

plan_file() {
    [ -f "$2" ] || die "$2 is missing" "the tree or the archive is incomplete"
    sum=$(sha256 "$2")
    printf '%s %s\n' "$sum" "$3" >>"$work/new"
    printf '%s\n' "$3" >>"$work/paths"
}

# A file gets its name when it is whole, so that a program that runs meanwhile is not disturbed.
put_file() {
    if ! { cp "$2" "$3.new.$$" && chmod "$1" "$3.new.$$" && mv -f "$3.new.$$" "$3"; }; then
        rm -f "$3.new.$$"
        die "cannot install $3"
    fi
}

write_manifest() {
    sort -u "$@" >"$manifest.new.$$"
    mv -f "$manifest.new.$$" "$manifest"
}

remove_files_of_older_version() {
    while read -r mark path; do
        case $mark in
            dir | link) ;;
            *) grep -q -F -x -e "$path" "$work/paths" || remove_file "$mark" "$path" ;;
        esac
    done <"$work/old"
}

# Removes a file unless somebody has changed it.
remove_file() {
    [ -f "$2" ] || return 0
    if [ "$(sha256 "$2")" = "$1" ]; then
        rm -f "$2" || die "cannot remove $2"
        printf '%s\n' "$2" >>"$work/removed"
    else
        printf '%s\n' "$2" >>"$work/changed"
    fi
}

remove_all() {
    if [ ! -f "$manifest" ]; then
        say "Nothing to remove: ssmx was not installed under $prefix by this script."
        return
    fi
    [ -w "$own" ] || die "cannot remove files from $prefix" "run this as the user who installed it"
    cp "$manifest" "$work/old"
    while read -r mark path; do
        case $mark in
            dir) ;;
            link) if [ -L "$path" ] && is_ours_or_free "$path"; then rm -f "$path"; fi ;;
            *) remove_file "$mark" "$path" ;;
        esac
    done <"$work/old"
    # A path can stand there with two checksums, of which one was right.
    sort -u "$work/changed" | while read -r path; do
        grep -q -F -x -e "$path" "$work/removed" || say "Kept, because it was changed: $path"
    done
    rm -f "$manifest"
    # The innermost first. One that has something else in it stays.
    sed -n 's/^dir //p' "$work/old" | sort -r | while read -r path; do
        rmdir "$path" 2>/dev/null || :
    done
    say "Removed ssmx from $prefix."
}

# What a person has to do by hand, if anything.
say_what_is_left() {
    say "Installed $version as $bin/ssmx."
    case :$PATH: in
        *":$bin:"*)
            other=$(command -v ssmx || :)
            [ "$other" = "$bin/ssmx" ] || say "Note: \`ssmx\` is still $other, which comes earlier on PATH."
            ;;
        *)
            say "$bin is not on PATH. Add this line to the startup file of your shell:"
            say "    export PATH=\"$bin:\$PATH\""
            ;;
    esac
    data=${XDG_DATA_HOME:-${HOME:-}/.local/share}
    case $bash in
        "$data"/* | /usr/local/share/* | /usr/share/*) ;;
        *)
            if has bash; then
                say "For completion in bash, add this line to ~/.bashrc:"
                say "    . \"$bash/ssmx\""
            fi
            ;;
    esac
    # These are asked without their startup files, which may do anything.
    # shellcheck disable=SC2016 # it is zsh who expands this
    if has zsh && ! zsh -fc 'print -l $fpath' | grep -q -F -x -e "$zsh"; then
        say "For completion in zsh, add this line to ~/.zshrc, before compinit:"
        say "    fpath=(\"$zsh\" \$fpath)"
    fi
    if has fish && ! fish_looks_there; then
        say "For completion in fish, add this line to ~/.config/fish/config.fish:"
        say "    set -a fish_complete_path \"$fish\""
    fi
    if has elvish; then
        say "For completion in elvish, add this line to ~/.config/elvish/rc.elv:"
        say "    eval (slurp < \"$own/ssmx.elv\")"
    fi
    if has pwsh; then
        say "For completion in PowerShell, add this line to \$PROFILE:"
        say "    . \"$own/_ssmx.ps1\""
    fi
}

# It looks in the home, and in places that it knows best. It also makes folders in the home that it is given.
fish_looks_there() {
    [ "$fish" != "$data/fish/vendor_completions.d" ] || return 0
    # shellcheck disable=SC2016 # it is fish who expands this
    HOME=$work XDG_CONFIG_HOME=$work XDG_DATA_HOME=$work fish --no-config -c 'printf "%s\n" $fish_complete_path' |
        grep -q -F -x -e "$fish"
}

main "$@"
