#!/bin/sh
# Builds the web UI that the node serves, from web and clients/js; make runs it when one of their files is newer.
# Without npm's packages, and where the build fails, it goes on with the pages of before: the node works without any.
set -u
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if [ ! -e web/node_modules/.installed-lock.json ]; then
    [ -e src/whatnext/node/api/dist/index.html ] ||
        say "Going on without the web pages: \`make web\` installs npm's packages and builds them, where npm is"
    exit 0
fi
PATH="$PWD/tools/node24/node_modules/.bin:$PATH"
say "Building the web pages"
(cd web && npm run --silent build -- --logLevel error >&2) ||
    say "Going on with the web pages of before, if any: vite could not build these; \`make web\` says why"
