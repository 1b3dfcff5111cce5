#!/bin/sh
# Runs tests/desktop with everything they can use: the native window too, from a .venv-desktop that has the extra
# `desktop`. PYTHON names the interpreter that makes it; further words go to pytest. `make desktop` runs it.
set -eu
cd "$(dirname "$0")/.."
venv=.venv-desktop

say() { printf '%s\n' "$*" >&2; }

# Qt's wheel leaves these to the system; without libxcb-cursor0 it ends the process instead of raising.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && ! ldconfig -p | grep -q libxcb-cursor.so.0; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libxcb-cursor0 libegl1 libnss3 libxkbcommon-x11-0 libxcb-icccm4 libxcb-keysyms1 </dev/null >&2 ||
        say "Going on without Qt's libraries: the window will not open"
fi
if [ ! -e "$venv/.installed" ] || [ pyproject.toml -nt "$venv/.installed" ]; then
    say "Installing into $venv, 667 MB of Qt with it"
    "$PYTHON" -m venv "$venv"
    "$venv/bin/python" -m pip install -qq --upgrade "pip>=25.1"
    "$venv/bin/python" -m pip install -qq -c constraints.txt -e '.[desktop]' --group test
    touch "$venv/.installed"
fi
exec "$venv/bin/python" -m pytest tests/desktop -m "not soak" -rs "$@"
