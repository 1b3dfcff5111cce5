#!/bin/sh
# Installs Node 24 (tools/node24) and the packages of every folder below, each into its own node_modules, as its lock
# says. tools/setup.sh runs it. Without npm or the registry it says so and goes on: the app then has no pages, and tests are
# skipped with the reason. Not by `npm ci`, which refuses a lock without the binaries of other platforms, and not every
# registry has those.
set -u
cd "$(dirname "$0")/.."
folders="tests/interop clients/js web" # one that is added here also belongs to the prerequisites of `make setup`

say() { printf '%s\n' "$*" >&2; }

install() { # folder, and a file that must be there afterwards
    lock=$1/package-lock.json
    installed=$1/node_modules/.installed-lock.json
    if cmp -s "$lock" "$installed" && [ -e "$1/$2" ]; then
        return
    fi
    say "Installing the JavaScript packages of $1"
    # Debian 12's npm 9 installs Node 24 without linking its program; `rebuild` links it.
    (cd "$1" && npm install --no-save --no-audit --no-fund --loglevel=error >&2 &&
        { [ -e "$2" ] || npm rebuild --loglevel=error >&2; }) && [ -e "$1/$2" ] && cp "$lock" "$installed"
}

is_new_enough() {
    version=$(node --version 2>/dev/null) && version=${version#v} && [ "${version%%.*}" -ge 22 ]
}

if ! command -v npm >/dev/null 2>&1; then
    say "Going on without JavaScript: npm is missing (Debian: apt-get install npm), so the app has no pages, and tests with JavaScript are skipped"
    exit 0
fi
PATH="$PWD/tools/node24/node_modules/.bin:$PATH"
# npm calls an optional package installed that it could not get, so the file itself is looked for.
if ! install tools/node24 node_modules/.bin/node && ! is_new_enough; then
    say "Going on without JavaScript: npm could not get Node 24 for this platform, so the app has no pages, and tests with JavaScript are skipped"
    exit 0
fi
for folder in $folders; do
    install "$folder" node_modules || say "Going on without $folder: npm could not install it, its tests are skipped"
done
