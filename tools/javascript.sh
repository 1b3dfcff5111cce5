#!/bin/sh
# Installs Node 24 (tools/node24) and the packages of every folder below, each into its own node_modules, as its lock
# says. tools/setup.sh runs it. Without npm or the registry it says so and goes on: tests that need JavaScript are then
# skipped with the reason. Not by `npm ci`, which refuses a lock without the binaries of other platforms, and not every
# registry has those.
set -u
cd "$(dirname "$0")/.."
folders="tests/interop" # one that is added here also belongs to the prerequisites of `make setup`

say() { printf '%s\n' "$*" >&2; }

install() {
    lock=$1/package-lock.json
    installed=$1/node_modules/.installed-lock.json
    if cmp -s "$lock" "$installed"; then
        return
    fi
    say "Installing the JavaScript packages of $1"
    (cd "$1" && npm install --no-save --no-audit --no-fund --loglevel=error >&2) && cp "$lock" "$installed"
}

if ! command -v npm >/dev/null 2>&1; then
    say "Going on without JavaScript: npm is missing (Debian: apt-get install npm), so tests with js-libp2p are skipped"
    exit 0
fi
if ! install tools/node24; then
    say "Going on without JavaScript: npm could not install Node 24, so tests with js-libp2p are skipped"
    exit 0
fi
PATH="$PWD/tools/node24/node_modules/.bin:$PATH"
for folder in $folders; do
    install "$folder" || say "Going on without $folder: npm could not install its packages, its tests are skipped"
done
