// RxDB clients with everything a node has, for tests.

import { readFile } from 'node:fs/promises'
import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import type { RxReplicationState } from 'rxdb/plugins/replication'
import type { Open } from '../../src/channel.ts'
import { collectionsOf, type CollectionName, type Documents } from '../../src/collections.ts'
import { Link, type LinkOptions } from '../../src/link.ts'
import { replicate } from '../../src/replicate.ts'
import { webSocket, type NodeAddress } from '../../src/websocket.ts'

export type Collections = { [Name in CollectionName]: RxCollection<Documents[Name]> }

export interface Client {
  database: RxDatabase<Collections>
  link: Link
  states: Array<RxReplicationState<never, never>>
  /** Sentences of what RxDB said went wrong. */
  errors: string[]
}

let count = 0

/** A new database in memory that replicates some collections over a channel. */
export async function clientOn (open: Open, names: CollectionName[], options: LinkOptions = {}): Promise<Client> {
  const database = await createRxDatabase<Collections>({
    name: `client${count++}-${process.pid}`, storage: getRxStorageMemory(), multiInstance: false
  })
  await database.addCollections(collectionsOf(names))
  const link = new Link(open, options)
  const errors: string[] = []
  const states: Client['states'] = []
  for (const name of names) {
    const state = await replicate<never>({
      link,
      collection: database.collections[name] as unknown as RxCollection<never>,
      replicationIdentifier: name,
      retryTimeMs: 50,
      readOnly: name === 'members' || name === 'peers'
    })
    state.error$.subscribe((error) => { errors.push(sentenceOf(error)) })
    states.push(state as unknown as RxReplicationState<never, never>)
  }
  return { database, link, states, errors }
}

/** Where the node of a profile is right now. */
export function nodeOf (profile: string): () => Promise<NodeAddress> {
  return async () => JSON.parse(await readFile(`${profile}/node.json`, 'utf8')) as NodeAddress
}

/** A client of the node's own user. */
export const ownClient = async (profile: string, names: CollectionName[], options?: LinkOptions): Promise<Client> =>
  await clientOn(webSocket(nodeOf(profile)), names, options)

export async function endClient ({ database, link, states }: Client): Promise<void> {
  await Promise.all(states.map(async (state) => { await state.cancel() }))
  link.stop()
  await database.close()
}

function sentenceOf (error: Error): string {
  const { parameters } = error as { parameters?: { errors?: Array<{ message: string }> } }
  return parameters?.errors?.[0]?.message ?? error.message
}
