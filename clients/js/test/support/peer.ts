// RxDB clients for the Python tests, any number in one process: answers each line {"id", "do", …} on stdin with
// {"id", "result"} or {"id", "error"}; ends with stdin.

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Open } from '../../src/channel.ts'
import type { CollectionName } from '../../src/collections.ts'
import { entryId, positionBetween } from '../../src/index.ts'
import type { Refusal } from '../../src/link.ts'
import { webSocket } from '../../src/websocket.ts'
import { clientOn, endClient, nodeOf, type Client } from './clients.ts'
import { flaky } from './flaky.ts'
import { joinBy, peerOf, streamTo, type Peer } from './libp2p.ts'

interface Named {
  client: Client
  peer: Peer | undefined
  refusals: Refusal[]
  problems: string[]
  path: Path
}

interface Path {
  isOffline: boolean
  /** How many messages are still to be lost, the connection with each. */
  lostRequests: number
  lostAnswers: number
}

interface Asked {
  client: string
  collections: CollectionName[]
  profile?: string
  address?: string
  invite?: string
  protocols?: string[]
  collection: CollectionName
  document: Record<string, unknown>
  key: string
  fields: Record<string, unknown>
  path: Partial<Path>
}

const unhandled: string[] = []
process.on('unhandledRejection', (error) => { unhandled.push(String(error)) })
const clients = new Map<string, Named>()

function named (name: string): Named {
  const found = clients.get(name)
  if (found === undefined) throw new Error(`there is no client ${name}`)
  return found
}

async function openOf (asked: Asked): Promise<{ open: Open, peer: Peer | undefined }> {
  if (asked.profile !== undefined) return { open: webSocket(nodeOf(asked.profile)), peer: undefined }
  const peer = await peerOf()
  const address = asked.address ?? ''
  if (asked.invite !== undefined) await joinBy(peer, address, asked.invite)
  return { open: streamTo(peer, address, asked.protocols), peer }
}

function broken (open: Open, path: Path): Open {
  const watched: Open = async (receiver, signal) => {
    if (path.isOffline) throw new Error('offline')
    return await open(receiver, signal)
  }
  return flaky(watched, {
    sending: () => path.isOffline || (path.lostRequests > 0 && path.lostRequests-- > 0),
    receiving: (text) => path.isOffline ||
      (path.lostAnswers > 0 && !text.includes('"id":"stream"') && path.lostAnswers-- > 0)
  }, { requests: 0, answers: 0 })
}

const operations: Record<string, (asked: Asked) => Promise<unknown>> = {
  open: async (asked) => {
    const path: Path = { isOffline: false, lostRequests: 0, lostAnswers: 0 }
    const { open, peer } = await openOf(asked)
    const client = await clientOn(broken(open, path), asked.collections, { minDelayMs: 20, maxDelayMs: 200, timeoutMs: 5000 })
    const made: Named = { client, peer, refusals: [], problems: [], path }
    client.link.refusals$.subscribe((refusal) => { made.refusals.push(refusal) })
    client.link.problems$.subscribe((problem) => { made.problems.push(problem.message) })
    clients.set(asked.client, made)
    return peer?.libp2p.peerId.toString() ?? null
  },
  pulled: async ({ client }) => {
    await Promise.all(named(client).client.states.map(async (state) => await state.awaitInitialReplication()))
  },
  documents: async ({ client, collection }) => {
    const found = await named(client).client.database.collections[collection].find().exec()
    return found.map((document) => document.toJSON())
  },
  insert: async ({ client, collection, document }) => {
    await (named(client).client.database.collections[collection] as { insert: (d: unknown) => Promise<unknown> }).insert(document)
  },
  patch: async ({ client, collection, key, fields }) => {
    await (await named(client).client.database.collections[collection].findOne(key).exec(true)).incrementalPatch(fields)
  },
  remove: async ({ client, collection, key }) => {
    await (await named(client).client.database.collections[collection].findOne(key).exec(true)).incrementalRemove()
  },
  path: async ({ client, path }) => {
    const { path: at, client: { link } } = named(client)
    Object.assign(at, path)
    link.connectNow()
  },
  told: async ({ client }) => {
    const { client: { link, errors }, refusals, problems } = named(client)
    return { state: link.state, errors, refusals, problems }
  },
  close: async ({ client }) => {
    const { client: ended, peer } = named(client)
    clients.delete(client)
    await endClient(ended)
    await peer?.libp2p.stop()
  },
  position: async ({ fields }) => positionBetween(fields['before'] as string | null, fields['after'] as string | null),
  entryId: async ({ key }) => entryId(key),
  unhandled: async () => {
    await sleep(0)
    return unhandled
  }
}

const say = (line: unknown): void => { process.stdout.write(JSON.stringify(line) + '\n') }
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...asked } = JSON.parse(line) as Asked & { id: number, do: string }
  const operation = operations[name]
  if (operation === undefined) throw new Error(`there is no ${name}`)
  operation(asked).then(
    (result) => { say({ id, result: result ?? null }) },
    (error: Error) => { say({ id, error: error.message }) }
  )
}
process.exit(0)
