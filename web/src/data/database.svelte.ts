// The page's own RxDB in memory, replicated with the node next door, which holds the truth: edits are seen at once and
// go out when the node answers (docs/decisions/adr-261122-where-the-database-lives.md).

import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb'
import type { RxReplicationState } from 'rxdb/plugins/replication'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import {
  collectionsOf, Link, READ_ONLY, replicate, SHARED,
  type Checkpoint, type CollectionName, type Documents, type Refusal
} from '@whatnext/rxdb-link'
import { SvelteSet } from 'svelte/reactivity'
import { call, Problem } from './api.ts'
import { socketTo } from './socket.ts'
import { Table } from './tables.svelte.ts'

const NAMES: CollectionName[] = [...SHARED, 'peers']
const BATCH = 2000 // rows of one message; the node takes no more

type Collections = { [Name in CollectionName]: RxCollection<Documents[Name]> }
type Tables = { [Name in CollectionName]: Table<Documents[Name]> }

export class Store {
  readonly collections: Collections
  readonly tables: Tables
  /** Ids of documents changed here that the node has not taken yet. */
  readonly waiting = new SvelteSet<string>()
  /** Whether the node answers. */
  online = $state(false)
  /** Whether it answers, but does not know this browser any more. */
  isStranger = $state(false)
  /** Whether everything that the node had at the start is here. */
  loaded = $state(false)
  readonly link: Link
  readonly #states = new Map<CollectionName, RxReplicationState<Documents['entries'], Checkpoint>>()

  constructor (database: RxDatabase, url: string) {
    this.collections = database.collections as unknown as Collections
    this.tables = Object.fromEntries(NAMES.map((name) => [name, new Table()])) as unknown as Tables
    this.link = new Link(socketTo(url), { minDelayMs: 100, maxDelayMs: 300 }) // the node is on this machine, and soon back
    this.link.state$.subscribe((state) => {
      this.online = state === 'open'
      if (this.online) this.isStranger = false
    })
    // A WebSocket is not told why it was refused; an operation is.
    this.link.problems$.subscribe((problem) => { if (problem.code === 'not_connected') void this.#ask() })
  }

  /** Documents that the node refused, with the reason; its own state is put in their place. */
  onRefusal (told: (refusal: Refusal) => void): void {
    this.link.refusals$.subscribe((refusal) => {
      this.waiting.delete(refusal.id)
      told(refusal)
    })
  }

  async #ask (): Promise<void> {
    try {
      await call('profile.show')
      this.isStranger = false
    } catch (error) {
      this.isStranger = error instanceof Problem && error.status === 401
    }
  }

  /** Change documents of one collection; they wait until the node has them. */
  async write (name: CollectionName, ids: string[], run: () => Promise<unknown>): Promise<void> {
    for (const id of ids) this.waiting.add(id)
    await run()
    void this.#settle(name, ids)
  }

  // A change that was taken back before it went out is never sent: only the end of the replication's queue tells of it.
  async #settle (name: CollectionName, ids: string[]): Promise<void> {
    await this.#states.get(name)?.awaitInSync()
    for (const id of ids) this.waiting.delete(id)
  }

  async follow<Name extends CollectionName> (name: Name): Promise<void> {
    const collection = this.collections[name] as unknown as RxCollection<Documents['entries']>
    const table = this.tables[name] as unknown as Table<Documents['entries']>
    table.follow(collection)
    const state = await replicate({
      link: this.link, collection, replicationIdentifier: 'node', batchSize: BATCH, waitForLeadership: false,
      readOnly: READ_ONLY.includes(name)
    })
    this.#states.set(name, state)
    state.sent$.subscribe((document) => { this.waiting.delete(document.id) })
    await state.awaitInitialReplication()
  }
}

/** Open the database and begin to replicate. */
export async function openStore (): Promise<Store> {
  const database = await createRxDatabase({
    name: 'whatnext', storage: getRxStorageMemory(), multiInstance: false, eventReduce: true
  })
  await database.addCollections(collectionsOf(NAMES))
  const store = new Store(database, location.origin)
  void Promise.all(NAMES.map((name) => store.follow(name))).then(() => { store.loaded = true })
  return store
}
