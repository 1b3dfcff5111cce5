import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frame, textOf, Unframer } from '../src/framing.ts'
import { parseInvite } from '../src/invite.ts'
import { randomOf } from './support/random.ts'

test('messages come out as they went in, however the bytes are cut', async () => {
  const random = randomOf(1)
  const messages = [1, 100, 1023, 1024, 200_000].map((size) => JSON.stringify({ é: 'x'.repeat(size) }))
  for (const packs of [true, false]) {
    const bytes = Buffer.concat(await Promise.all(messages.map(async (message) => await frame(message, packs))))
    const unframer = new Unframer()
    const found: string[] = []
    for (let at = 0; at < bytes.length;) {
      const size = 1 + Math.floor(random() * 5000)
      for (const payload of unframer.feed(bytes.subarray(at, at + size))) found.push(await textOf(payload))
      at += size
    }
    assert.deepEqual(found, messages)
  }
})

test('long messages are packed in 1.1 only', async () => {
  const message = JSON.stringify({ a: 'x'.repeat(5000) })
  assert.ok((await frame(message, true)).length < 200)
  assert.equal((await frame(message, false)).length, message.length + 2)
})

test('lengths out of bounds and what cannot be unpacked are refused', async () => {
  assert.throws(() => new Unframer().feed(Uint8Array.of(255, 255, 255, 255, 15)), RangeError)
  assert.throws(() => new Unframer().feed(Uint8Array.of(255, 255, 255, 255, 255, 255)), RangeError)
  await assert.rejects(textOf(Uint8Array.of(0x78, 1, 2, 3)))
})

test('invite links are read strictly', () => {
  const secret = '1'.repeat(32)
  const link = `whtnxt://join/${'a'.repeat(32)}?peer=12D3KooW&addr=/ip4/192.0.2.1/tcp/4001&peer=x%20y&name=Ann&list=Friday%2C%20late#${secret}`
  const invite = parseInvite(` ${link}\n`)
  assert.deepEqual([invite.peers, invite.addresses, invite.relays], [['12D3KooW', 'x y'], ['/ip4/192.0.2.1/tcp/4001'], []])
  assert.deepEqual(invite.secret, new Uint8Array(32))
  assert.deepEqual([invite.name, invite.title], ['Ann', 'Friday, late'])
  for (const bad of [
    'https://example.org', link.replace('join', 'connect'), link.slice(0, -1), link.replace('peer=', 'pier='), link.replace('addr=', 'toString='),
    link.replace(/peer=[^&#]*&?/g, ''), 'x'.repeat(5000), link.replace('a'.repeat(32), 'A1')
  ]) assert.throws(() => parseInvite(bad), Error, bad)
})
