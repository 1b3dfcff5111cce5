import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Channel, Open, Receiver } from '../src/channel.ts'
import { Link, LinkError, type LinkOptions } from '../src/link.ts'

/** A node that a test plays. */
class Played {
  readonly sent: Array<Record<string, unknown>> = []
  opened = 0
  receiver: Receiver | undefined
  refuses = false

  readonly open: Open = async (receiver): Promise<Channel> => {
    if (this.refuses) throw new Error('nobody listens there')
    this.opened++
    this.receiver = receiver
    return { send: (text) => { this.sent.push(JSON.parse(text)) }, close: () => {} }
  }

  say (message: unknown): void { this.receiver?.message(typeof message === 'string' ? message : JSON.stringify(message)) }

  answer (result: unknown, error?: unknown): void {
    const { id, collection } = this.sent.at(-1) ?? {}
    this.say({ id, collection, result, error })
  }
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

function played (options: LinkOptions = {}): { node: Played, link: Link } {
  const node = new Played()
  return { node, link: new Link(node.open, { minDelayMs: 1, maxDelayMs: 4, ...options }) }
}

const ask = async (link: Link, signal?: AbortSignal): Promise<unknown> =>
  (await link.call('entries', 'masterChangesSince', [null, 10], 'tag', signal)).result

const fails = (code: string) => (error: unknown): boolean => error instanceof LinkError && error.code === code

test('a request waits for the connection and gets its answer', async () => {
  const { node, link } = played()
  const answer = ask(link)
  await until(() => node.sent.length === 1)
  assert.match(String(node.sent[0]?.['id']), /^tag\|\d+$/)
  node.answer('yes')
  assert.equal(await answer, 'yes')
  link.stop()
})

test('a lost connection rejects what waits for an answer, and the next one has its subscriptions', async () => {
  const { node, link } = played()
  const events: unknown[] = []
  link.subscribe('entries', (event) => { events.push(event) })
  const answer = ask(link)
  await until(() => node.sent.length === 2)
  node.receiver?.closed('cable cut')
  await assert.rejects(answer, fails('closed'))
  await until(() => node.opened === 2 && node.sent.length === 3)
  assert.equal(node.sent[2]?.['method'], 'masterChangeStream$')
  node.say({ id: 'stream', collection: 'entries', result: 'RESYNC' })
  assert.deepEqual(events, ['RESYNC'])
  link.stop()
})

test('a request of the moment in which the connection is lost goes out on the next one', async () => {
  const { node, link } = played()
  await until(() => link.state === 'open')
  const answer = ask(link)
  node.receiver?.closed('cut')
  await until(() => node.sent.length === 1)
  assert.equal(node.opened, 2)
  node.answer('yes')
  assert.equal(await answer, 'yes')
  link.stop()
})

test('a request given up in the moment in which it is made is not sent', async () => {
  const { node, link } = played({ timeoutMs: 50 })
  await until(() => link.state === 'open')
  const ending = new AbortController()
  const answer = ask(link, ending.signal)
  ending.abort()
  await assert.rejects(answer, fails('stopped'))
  assert.deepEqual([node.sent, link.state], [[], 'open'])
  link.stop()
})

test('an old connection is not heard any more', async () => {
  const { node, link } = played()
  await until(() => link.state === 'open')
  const old = node.receiver
  old?.closed('cut')
  await until(() => node.opened === 2 && link.state === 'open')
  old?.message('nonsense')
  old?.closed('cut again')
  assert.equal(link.state, 'open')
  link.stop()
})

test('no answer in time ends the connection', async () => {
  const { node, link } = played({ timeoutMs: 20 })
  await assert.rejects(ask(link), fails('timeout'))
  await until(() => node.opened === 2)
  link.stop()
})

test('what is no message ends the connection', async () => {
  const { node, link } = played()
  for (const [n, nonsense] of ['{', '[]', '{"id": 1}', '{"id": "a", "error": 1}'].entries()) {
    await until(() => node.opened === n + 1 && link.state === 'open')
    node.say(nonsense)
    assert.equal(link.state, 'waiting')
  }
  link.stop()
})

test('an error of the node rejects with its code, refused rows are told beside the result', async () => {
  const { node, link } = played()
  const refused: unknown[] = []
  link.refusals$.subscribe((refusal) => { refused.push(refusal) })
  const first = ask(link)
  await until(() => node.sent.length === 1)
  node.answer(undefined, { code: 'not_found', message: 'no such thing' })
  await assert.rejects(first, fails('not_found'))
  const second = ask(link)
  await until(() => node.sent.length === 2)
  node.answer([], { code: 'refused', message: 'no', rows: { 'p:e': 'as viewer you cannot' } })
  assert.deepEqual(await second, [])
  assert.deepEqual(refused, [{ collection: 'entries', id: 'p:e', reason: 'as viewer you cannot' }])
  link.stop()
})

test('pauses grow and are cut short on request', async () => {
  const { node, link } = played({ minDelayMs: 3_600_000, maxDelayMs: 3_600_000 })
  await until(() => link.state === 'open')
  node.receiver?.closed('cut')
  assert.equal(link.state, 'waiting')
  link.connectNow()
  await until(() => link.state === 'open')
  assert.equal(node.opened, 2)
  link.stop()
})

test('who cannot be reached is tried again and told of', async () => {
  const { node, link } = played()
  await until(() => link.state === 'open')
  const problems: string[] = []
  link.problems$.subscribe(({ message }) => { problems.push(message) })
  node.refuses = true
  node.receiver?.closed('cut')
  await until(() => problems.includes('nobody listens there'))
  node.refuses = false
  await until(() => link.state === 'open')
  link.stop()
})

test('an idle connection is asked for something', async () => {
  const { node, link } = played({ idleMs: 5 })
  await until(() => node.sent.length > 0)
  assert.deepEqual(node.sent[0]?.['params'], [null, 1])
  link.stop()
})

test('stopping rejects everything and nothing is tried again', async () => {
  const { node, link } = played()
  await until(() => link.state === 'open')
  const asked = ask(link)
  await until(() => node.sent.length === 1)
  link.stop()
  link.stop()
  await assert.rejects(asked, fails('stopped'))
  await assert.rejects(ask(link), fails('stopped'))
  assert.equal(link.state, 'stopped')
})

test('an aborted request is rejected, before and after it was sent', async () => {
  const { node, link } = played()
  const ending = new AbortController()
  const waiting = ask(link, ending.signal)
  ending.abort()
  await assert.rejects(waiting, fails('stopped'))
  await until(() => link.state === 'open')
  const later = new AbortController()
  const sent = ask(link, later.signal)
  await until(() => node.sent.length === 1)
  later.abort()
  await assert.rejects(sent, fails('stopped'))
  node.answer('too late')
  assert.equal(link.state, 'open')
  link.stop()
})

test('a collection is replicated once over a link', () => {
  const { link } = played()
  const stop = link.subscribe('entries', () => {})
  assert.throws(() => link.subscribe('entries', () => {}))
  stop()
  link.subscribe('entries', () => {})
  link.stop()
})
