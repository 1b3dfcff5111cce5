// What `whatnext bench rxdb` runs, in two roles: `serve COUNT` is RxDB's own master with so many documents, for
// comparison; `measure {…}` is the clients. Each prints lines of JSON; `serve` ends with its standard input.

import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb'
import { replicateWithWebsocketServer, startWebsocketServer } from 'rxdb/plugins/replication-websocket'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { collectionsOf, type Entry } from '../src/collections.ts'
import { Link } from '../src/link.ts'
import { replicate } from '../src/replicate.ts'
import { webSocket } from '../src/websocket.ts'

interface Wanted {
  url: string
  token: string
  /** Of RxDB's own master. */
  stock: string
  batch: number
  runs: number
  edits: number
  pauseMs: number
}

type Entries = RxDatabase<{ entries: RxCollection<Entry> }>

const WARM_UP = 30
let count = 0

async function database (): Promise<Entries> {
  const made: Entries = await createRxDatabase({
    name: `bench${count++}`, storage: getRxStorageMemory(), multiInstance: false
  })
  await made.addCollections(collectionsOf(['entries']))
  return made
}

function say (value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

/** The monotonic clock, which on one machine is the node's too, in milliseconds. */
const now = (): number => Number(process.hrtime.bigint()) / 1e6

async function serve (size: number): Promise<void> {
  const master = await database()
  await master.entries.bulkInsert(Array.from({ length: size }, (_, number) => track(number)))
  const { server } = startWebsocketServer({ database: master, port: 0, host: '127.0.0.1' })
  server.on('listening', () => { say((server.address() as { port: number }).port) })
  process.stdin.on('end', () => { process.exit(0) }).resume()
}

function track (number: number): Entry {
  const playlistId = 'a'.repeat(32)
  return {
    id: `${playlistId}:${String(number).padStart(16, 'a')}`,
    version: number.toString(16),
    playlistId,
    position: `a${String(number).padStart(6, '0')}`,
    title: `The Kitchen Is Open ${number}`,
    artists: ['Harbour Lights'],
    album: 'Songs for the Landing',
    durationMs: 180_000,
    isrc: null,
    mbid: null,
    links: [],
    note: '',
    addedBy: '1'.repeat(52),
    addedAt: 1_800_000_000_000
  }
}

async function fromNode ({ url, token, batch }: Wanted): Promise<{ client: Entries, link: Link, tookMs: number }> {
  const client = await database()
  const began = now()
  const link = new Link(webSocket({ url, token }))
  const state = await replicate<Entry>({
    link, collection: client.entries, replicationIdentifier: 'bench', batchSize: batch
  })
  await state.awaitInitialReplication()
  return { client, link, tookMs: now() - began }
}

async function fromStock ({ stock, batch }: Wanted): Promise<{ client: Entries, tookMs: number }> {
  const client = await database()
  const began = now()
  const state = await replicateWithWebsocketServer({
    collection: client.entries, replicationIdentifier: 'bench', url: stock, batchSize: batch, live: true
  })
  await state.awaitInitialReplication()
  return { client, tookMs: now() - began }
}

/** Cold pulls in turn, so that what else the machine does falls on both; the first of each is not counted. */
async function cold (wanted: Wanted): Promise<{ nodeMs: number[], stockMs: number[], documents: number }> {
  const [nodeMs, stockMs]: number[][] = [[], []]
  let documents = 0
  for (let run = 0; run <= wanted.runs; run++) {
    const ours = await fromNode(wanted)
    const theirs = await fromStock(wanted)
    documents = await ours.client.entries.count().exec()
    if (run > 0) {
      nodeMs?.push(ours.tookMs)
      stockMs?.push(theirs.tookMs)
    }
    ours.link.stop()
    await ours.client.close()
    await theirs.client.close()
  }
  return { nodeMs: nodeMs ?? [], stockMs: stockMs ?? [], documents }
}

/** Edits at one client until another client of the node shows them: when each began and was seen. */
async function live (wanted: Wanted): Promise<Array<[began: number, seen: number]>> {
  const [one, other] = [await fromNode(wanted), await fromNode(wanted)]
  const [document] = await one.client.entries.find({ limit: 1 }).exec()
  if (document === undefined) throw new Error('the node has no entries')
  let wanting = ''
  let heard: (at: number) => void = () => {}
  other.client.entries.$.subscribe((event) => {
    if (event.documentData.title === wanting) heard(now())
  })
  const timed: Array<[number, number]> = []
  for (let edit = 0; edit < WARM_UP + wanted.edits; edit++) {
    wanting = `Edit ${edit}`
    const seen = new Promise<number>((resolve) => { heard = resolve })
    const began = now()
    await document.incrementalPatch({ title: wanting })
    timed.push([began, await seen])
    await new Promise((resolve) => { setTimeout(resolve, wanted.pauseMs) })
  }
  for (const each of [one, other]) {
    each.link.stop()
    await each.client.close()
  }
  return timed.slice(WARM_UP)
}

const [role, argument = ''] = process.argv.slice(2)
if (role === 'serve') {
  await serve(Number(argument))
} else {
  const wanted = JSON.parse(argument) as Wanted
  say({ cold: await cold(wanted), live: await live(wanted) })
  process.exit(0)
}
