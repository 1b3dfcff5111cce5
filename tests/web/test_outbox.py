"""What waits in the browser for the node, without a browser: the outbox in Node, with a storage that may be full."""

import subprocess

import javascript
import pytest

WEB = javascript.ROOT / "web"

# A storage of `room` characters, and locks of pages of which one, `gone`, has left what it kept.
BROWSER = """
import assert from 'node:assert'
import { Outbox } from './src/data/outbox.ts'
const set = (name, value) => Object.defineProperty(globalThis, name, { configurable: true, value })
let room = Infinity
class Storage {
  getItem (key) { return this[key] ?? null }
  setItem (key, text) {
    if (Object.entries({ ...this, [key]: text }).join().length > room) throw new Error('no room')
    this[key] = text
  }
  removeItem (key) { delete this[key] }
}
const held = new Set()
const request = async (key, run) => {
  held.add(key)
  await run()
  held.delete(key)
}
set('localStorage', new Storage())
set('navigator', { locks: { request } })
set('document', { hidden: false })
set('addEventListener', () => {})
const turn = () => new Promise((resolve) => setImmediate(resolve))
const GONE = 'waiting:me:gone'
const left = (id, said) => ({ name: 'entries', id, base: { note: '' }, now: { note: said } })
const keys = () => Object.keys(localStorage)
localStorage.setItem(GONE, JSON.stringify([left('a', 'x'.repeat(500)), left('b', 'y')]))
const outbox = new Outbox('me')
let given = []
"""

KEPT = """
outbox.takeOver((them) => { given = them.map(({ id }) => id) })
await turn()
assert.deepEqual(given, ['a', 'b'])
assert.equal(keys().length, 1)
assert.notEqual(keys()[0], GONE)
assert.ok(!held.has(GONE))
assert.ok(outbox.isSafe)
"""

FULL = """
room = 900
outbox.takeOver((them) => { given = them.map(({ id }) => id) })
await turn()
assert.deepEqual(given, ['a', 'b'])
assert.deepEqual(keys(), [GONE])
assert.ok(held.has(GONE))
assert.ok(!outbox.isSafe)
outbox.drop('a')
assert.ok(outbox.isSafe)
await turn()
assert.equal(keys().length, 1)
assert.match(localStorage.getItem(keys()[0]), /"b"/)
assert.notEqual(keys()[0], GONE)
assert.ok(!held.has(GONE))
"""


def play(scenario: str) -> None:
    """Run it in Node; what fails there fails here with its words."""
    if reason := javascript.why_not(WEB):
        pytest.skip(reason)
    node = javascript.node()
    assert node is not None
    words = [node, "--input-type=module", "--eval", BROWSER + scenario + "process.exit()"]
    done = subprocess.run(words, cwd=WEB, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_what_a_page_left_is_kept_by_the_next_one_under_a_name_of_its_own():
    play(KEPT)


def test_what_a_page_left_stays_kept_under_its_name_until_there_is_room_for_it_under_the_next_ones():
    play(FULL)
