import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Downstream } from '../src/downstream.ts'
import type { Received } from '../src/messages.ts'

interface Note { id: string, version: string }

/** A collection and a node that a test plays. */
class Stage {
  readonly heard: unknown[] = []
  readonly versions = new Map<string, string>()
  readonly downstream: Downstream<Note>
  #order = 0
  #answer: ((received: Received) => void) | undefined
  #fail: ((error: Error) => void) | undefined

  constructor (retryTimeMs = 3_600_000) {
    this.downstream = new Downstream<Note>(
      async () => await new Promise((resolve, reject) => {
        this.#answer = resolve
        this.#fail = reject
      }),
      async (ids) => new Map(ids.flatMap((id) => {
        const version = this.versions.get(id)
        return version === undefined ? [] : [[id, version] as const]
      })),
      retryTimeMs
    )
    this.downstream.events$.subscribe((event) => { this.heard.push(event) })
  }

  event (...documents: Note[]): void { this.downstream.take(pulled(documents), ++this.#order) }

  say (event: unknown): void { this.downstream.take(event, ++this.#order) }

  answer (...documents: Note[]): void {
    this.#answer?.({ id: 't|1', collection: 'notes', result: pulled(documents), order: ++this.#order })
  }

  fail (): void { this.#fail?.(new Error('no disk')) }

  async pulled (...documents: Note[]): Promise<void> {
    const pull = this.downstream.pull(undefined, 10)
    this.answer(...documents)
    await pull
  }
}

const note = (id: string, version: string): Note => ({ id, version })
const pulled = (documents: Note[]): { documents: Note[], checkpoint: { seq: number } } =>
  ({ documents, checkpoint: { seq: 1 } })

test('nothing goes on before a pull, and a pull is asked for until it comes', async () => {
  const stage = new Stage(1)
  stage.downstream.startOver()
  stage.event(note('a', '1'))
  while (stage.heard.length < 3) await sleep(1)
  assert.deepEqual(new Set(stage.heard), new Set(['RESYNC']))
  await stage.pulled(note('a', '1'))
  stage.event(note('b', '2'))
  assert.deepEqual(stage.heard.at(-1), pulled([note('b', '2')]))
  stage.downstream.stop()
})

test('of events during a pull only those after its answer go on', async () => {
  const stage = new Stage()
  const pull = stage.downstream.pull(undefined, 10)
  stage.event(note('a', '1'))
  stage.answer(note('a', '2'))
  stage.event(note('b', '3')) // before the answer's promise is heard
  await pull
  assert.deepEqual(stage.heard, [pulled([note('b', '3')])])
  stage.downstream.stop()
})

test('while a push is under way events wait, and those of its documents from before its answer go no further', async () => {
  const stage = new Stage()
  await stage.pulled()
  const received = async (order: number): Promise<Received> => ({ id: 't|2', collection: 'notes', result: [], order })
  await stage.downstream.push(['a'], async () => {
    stage.event(note('a', '1'), note('b', '1'))
    stage.event(note('a', '2'))
    assert.deepEqual(stage.heard, [])
    const answer = await received(4)
    stage.say(pulled([]))
    stage.event(note('a', '3'))
    return answer
  })
  assert.deepEqual(stage.heard, [pulled([note('b', '1')]), pulled([note('a', '3')])])
  await assert.rejects(stage.downstream.push(['a'], async () => {
    stage.event(note('a', '4'))
    throw new Error('gone')
  }))
  assert.deepEqual(stage.heard.at(-1), pulled([note('a', '4')]))
  stage.downstream.stop()
})

test('a pull that waited for the connection pays for it, and the event right behind its answer goes on', async () => {
  const stage = new Stage()
  const pull = stage.downstream.pull(undefined, 10)
  stage.downstream.startOver()
  stage.answer()
  stage.event(note('a', '1'))
  await pull
  assert.deepEqual(stage.heard, [pulled([note('a', '1')])])
  stage.downstream.stop()
})

test('a RESYNC that comes right after the answer of a pull is not paid by it', async () => {
  const stage = new Stage()
  const pull = stage.downstream.pull(undefined, 10)
  stage.answer()
  stage.say('RESYNC')
  await pull
  stage.event(note('b', '3'))
  assert.ok(!stage.heard.some((event) => event !== 'RESYNC'))
  stage.downstream.stop()
})

test('an event that cannot be read is taken for a missed one', async () => {
  const stage = new Stage()
  await stage.pulled()
  stage.say(null)
  assert.deepEqual(stage.heard, ['RESYNC'])
  stage.downstream.stop()
})

test('what did not arrive is told again once all is quiet, until it has', async () => {
  const stage = new Stage()
  await stage.pulled(note('a', '1'), note('b', '2'))
  stage.versions.set('a', '1')
  stage.downstream.settle(false)
  while (stage.heard.length < 2) await sleep(5)
  assert.deepEqual(stage.heard[0], pulled([note('b', '2')]))
  stage.versions.set('b', '2')
  const before = stage.heard.length
  await sleep(250)
  assert.equal(stage.heard.length, before)
  stage.downstream.stop()
})

test('a pull that fails leaves the pull owed', async () => {
  const failing = new Downstream<Note>(async () => { throw new Error('gone') }, async () => new Map(), 3_600_000)
  const heard: unknown[] = []
  failing.events$.subscribe((event) => { heard.push(event) })
  await assert.rejects(failing.pull(undefined, 10), /gone/)
  failing.take(pulled([note('a', '1')]), 1)
  assert.deepEqual(heard, [])
  failing.stop()
})

test('a pull that was not owed and fails is owed, and brings what was held back for it', async () => {
  const stage = new Stage()
  await stage.pulled()
  const pull = stage.downstream.pull(undefined, 10)
  stage.event(note('a', '1'))
  stage.fail()
  await assert.rejects(pull, /no disk/)
  stage.event(note('a', '2'))
  await stage.pulled(note('a', '2'))
  stage.event(note('b', '3'))
  assert.deepEqual(stage.heard, [pulled([note('b', '3')])])
  stage.downstream.stop()
})
