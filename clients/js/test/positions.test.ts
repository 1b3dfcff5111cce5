import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fromBase32, fromBase58, toBase32, toBase58 } from '../src/encoding.ts'
import { entryId } from '../src/ids.ts'
import { isPosition, NoRoom, positionAfter, positionBetween, positionRun } from '../src/positions.ts'

interface Vectors {
  positions: Array<{ before: string | null, after: string | null, drawn: string | null, key: string | null }>
  runs: Array<{ before: string | null, after: string | null, count: number, drawn: string, first: string, last: string }>
  texts: Array<{ hex: string, base32: string, key: string }>
}

const vectors = JSON.parse(readFileSync(new URL('vectors.json', import.meta.url), 'utf8')) as Vectors

test('positions are those of Python for the same draw', () => {
  for (const { before, after, drawn, key } of vectors.positions) {
    if (drawn === null) {
      assert.throws(() => positionBetween(before, after), (error) => error instanceof NoRoom || error instanceof RangeError)
    } else {
      assert.equal(positionBetween(before, after, () => BigInt(drawn)), key)
    }
  }
})

test('runs of positions are those of Python for the same draw, in order and within their gap', () => {
  for (const { before, after, count, drawn, first, last } of vectors.runs) {
    const keys = positionRun(before, after, count, () => BigInt(drawn))
    assert.deepEqual([keys.length, keys[0], keys.at(-1)], [count, first, last])
    assert.ok(keys.every((key, at) => isPosition(key) && key > (keys[at - 1] ?? before ?? '') && key < (after ?? '~')))
  }
})

test('a thousand positions in one gap and at the end keep their order', () => {
  let [low, high, last] = ['a0V', 'a1V', null as string | null]
  for (let n = 0; n < 1000; n++) {
    if (low.length > 100) break
    const made = positionBetween(low, high)
    assert.ok(low < made && made < high && isPosition(made))
    if (n % 2 === 0) low = made
    else high = made
    const next = positionAfter(last)
    assert.ok(last === null || last < next)
    last = next
  }
  assert.ok((last ?? '').length <= 9)
})

test('what is no position is refused', () => {
  for (const key of ['', 'a0', '10', 'é', 'a'.repeat(129)]) assert.throws(() => positionBetween(key, null), RangeError)
})

test('texts of bytes are those of Python and read back', () => {
  for (const { hex, base32, key } of vectors.texts) {
    const bytes = Buffer.from(hex, 'hex')
    assert.equal(toBase32(bytes), base32)
    assert.deepEqual(fromBase32(base32), Uint8Array.from(bytes))
    const secret = fromBase58(key)
    assert.equal(secret?.length, 32)
    assert.equal(toBase58(secret), key)
  }
  assert.equal(fromBase58('0OIl'), null)
  assert.equal(fromBase32('a1'), null)
})

test('ids of entries are what the node takes for one', () => {
  assert.match(entryId('a'.repeat(32)), /^a{32}:[a-z2-7]{16}$/)
  assert.notEqual(entryId('p'), entryId('p'))
})
