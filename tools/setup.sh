#!/bin/sh
# Makes .venv from nothing: finds a Python, what compiling fastecdsa needs, and installs WhatNext with its tools.
# `make setup` runs it when pyproject.toml or constraints.txt are newer than the last installation.
# PYTHON names the interpreter to prefer.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

say() { printf '%s\n' "$*" >&2; }
fail() { say "make setup: $*"; exit 1; }

can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

apt_updated=no
apt_install() {
    say "Installing with apt-get: $*"
    if [ "$apt_updated" = no ]; then
        apt-get update -qq >&2 || say "apt-get update failed; trying with the lists at hand"
        apt_updated=yes
    fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2 ||
        fail "apt-get could not install $*; install them by hand and run make setup again"
}

new_enough_python() {
    for candidate in "${PYTHON:-python3.11}" python3 python3.13 python3.12; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

find_python() {
    new_enough_python && return
    if can_apt && ! command -v python3 >/dev/null 2>&1; then
        apt_install python3 python3-venv
        new_enough_python && return
    fi
    fail "no Python 3.11 or newer found. Install one (Debian: apt-get install python3.11 python3.11-venv) or say" \
        "where it is: make setup PYTHON=/path/to/python3.11"
}

make_venv() {
    if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian splits venv off its own Python.
        package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
        can_apt || fail "$python cannot make virtual environments. Install $package, then run make setup again"
        apt_install "$package"
    fi
    "$python" -m venv --clear "$venv"
}

can_compile() {
    compiler=$(command -v "${CC:-cc}" || command -v gcc) || return 1
    include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
    printf '#include <gmp.h>\n#include <Python.h>\nint main(void) { return 0; }\n' |
        "$compiler" -I"$include" -x c -fsyntax-only - 2>/dev/null
}

has_fastecdsa_wheel() {
    wheels=$(mktemp -d)
    found=0
    "$venv/bin/python" -m pip download -q --no-deps --only-binary :all: -c constraints.txt -d "$wheels" fastecdsa \
        >/dev/null 2>&1 || found=1
    rm -rf "$wheels"
    return "$found"
}

# libp2p needs fastecdsa, which has no wheel for Python 3.11 on Linux: it is compiled against GMP.
make_compilable() {
    if can_compile || has_fastecdsa_wheel; then
        return
    fi
    packages="gcc libc6-dev libgmp-dev"
    case $("$python" -c 'import sys; print(sys.base_prefix)') in
    /usr) packages="$packages python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-dev" ;;
    esac
    can_apt || fail "libp2p's dependency fastecdsa must be compiled here, which needs a C compiler and the headers of" \
        "GMP and Python. Install them (Debian: apt-get install $packages), then run make setup again"
    # shellcheck disable=SC2086 # one word per package
    apt_install $packages
    can_compile || fail "a C compiler cannot find gmp.h and Python.h even though $packages are installed"
}

# Tests that need several networks build them from namespaces; without these two they are skipped with the reason.
make_laboratory() {
    if can_apt && ! { command -v ip && command -v nft; } >/dev/null 2>&1; then
        (apt_install iproute2 nftables) || say "Going on without: tests that need several networks will be skipped"
    fi
}

# What builds the app's pages; without it everything but the app works.
make_npm() {
    if can_apt && ! command -v npm >/dev/null 2>&1; then
        (apt_install npm) || say "Going on without: the app has no pages"
    fi
}

# Tests of the JavaScript client run a page in it; without it they are skipped with the reason.
make_browser() {
    if can_apt && ! command -v chromium >/dev/null 2>&1; then
        (apt_install chromium) || say "Going on without: tests in a browser will be skipped"
    fi
}

# Tests of the desktop: a display and a session bus without anybody in front; without them they are skipped.
make_display() {
    if can_apt && ! { command -v Xvfb && command -v xdotool && command -v xdg-open && command -v dbus-daemon; } \
        >/dev/null 2>&1; then
        (apt_install xvfb xdotool xdg-utils dbus) || say "Going on without: tests on a display will be skipped"
    fi
}

python=$(find_python)
make_venv
make_compilable
make_npm
make_laboratory
make_browser
make_display
say "Installing into $venv with $("$venv/bin/python" --version) (a minute or so the first time)"
"$venv/bin/python" -m pip install -qq --upgrade "pip>=25.1" # --group came with 25.1
"$venv/bin/python" -m pip install -qq -c constraints.txt -e . --group dev
sh tools/javascript.sh
touch "$venv/.installed"
