// The page's own RxDB in memory, replicated with the node next door, which holds the truth: edits are seen at once and
// go out when the node answers (docs/decisions/adr-261122-where-the-database-lives.md).

import { createRxDatabase, type RxCollection, type RxDatabase, type RxDocument, type RxDocumentData } from 'rxdb'
import type { RxReplicationState } from 'rxdb/plugins/replication'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import {
  collectionsOf, Link, READ_ONLY, replicate, SHARED,
  type Checkpoint, type CollectionName, type Documents
} from '@whatnext/rxdb-link'
import { SvelteSet } from 'svelte/reactivity'
import { call, Problem, sentence } from './api.ts'
import { bare, isSame, Outbox, withChanges, type Fields, type Waiting } from './outbox.ts'
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
  readonly outbox: Outbox
  #told: (reason: string) => void = () => {}
  readonly #replications = new Map<CollectionName, RxReplicationState<Documents['entries'], Checkpoint>>()

  constructor (database: RxDatabase, url: string, peer: string) {
    this.outbox = new Outbox(peer)
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
  onRefusal (told: (reason: string) => void): void {
    this.#told = told
    this.link.refusals$.subscribe((refusal) => {
      this.#done(refusal.id)
      told(refusal.reason)
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
    const before = await this.#states(name, ids)
    try {
      await run()
    } catch (error) {
      for (const id of ids) if (this.outbox.edit(id) === undefined) this.waiting.delete(id)
      throw error
    }
    const after = await this.#states(name, ids)
    for (const id of ids) {
      this.waiting.add(id) // again: the node may have taken an earlier edit of it meanwhile
      this.outbox.note(name, id, before.get(id) ?? null, after.get(id) ?? null)
    }
    void this.#settle(name, ids)
  }

  // Asked of the storage: `findByIds` of RxDB 17.6 compares every id with every other at the next change.
  async #states (name: CollectionName, ids: string[]): Promise<Map<string, RxDocumentData<Documents['entries']>>> {
    const collection = this.collections[name] as unknown as RxCollection<Documents['entries']>
    const found = await collection.storageInstance.findDocumentsById(ids, false)
    return new Map(found.map((document) => [document.id, document]))
  }

  /**
   * Change fields of many documents by one write, so that the node makes one change of it that can be undone;
   * `_deleted` removes them.
   */
  async patch (name: CollectionName, patches: ReadonlyMap<string, Fields>): Promise<void> {
    const collection = this.collections[name] as unknown as RxCollection<Documents['entries']>
    const ids = [...patches.keys()]
    await this.write(name, ids, async () => {
      const rows = [...await this.#states(name, ids)].map(([id, previous]) => ({
        previous, document: { ...previous, _meta: { ...previous._meta }, ...patches.get(id) }
      }))
      // RxDB's own incremental writes would send the first document alone and the others behind it.
      const { error } = await collection.storageInstance.bulkWrite(rows, 'patch')
      for (const { documentId: id } of error) { // changed by somebody just now
        await collection.findOne(id).exec().then(async (found) => await found?.incrementalModify((now) => ({ ...now, ...patches.get(id) })))
      }
    })
  }

  /** Wait until the node has everything that was changed here. */
  async settled (): Promise<void> {
    await Promise.all([...this.#replications.values()].map(async (state) => await state.awaitInSync()))
  }

  /** Do once more what earlier pages did and the node did not take; call when everything is here. */
  async resume (left: Waiting[]): Promise<void> {
    for (const one of left) {
      const { name, id, base, now } = one
      let isUnderWay = false
      try {
        const collection = this.collections[name] as unknown as RxCollection<Documents['entries']>
        isUnderWay = await this.#redo(name, collection, id, await collection.findOne(id).exec(), base, now)
      } catch (error) { // another version of the page may have kept what this one does not take
        this.#told(sentence(error))
      }
      if (!isUnderWay && this.outbox.edit(id) === one) this.#done(id) // not what was done here to it
    }
  }

  // False when there is nothing left to do: it arrived after all, or somebody has removed what was edited.
  async #redo (
    name: CollectionName, collection: RxCollection<Documents['entries']>, id: string,
    found: RxDocument<Documents['entries']> | null, base: Fields | null, now: Fields | null
  ): Promise<boolean> {
    if (found === null) {
      if (base !== null || now === null) return false
      await this.write(name, [id], async () => { await collection.insert({ ...now, version: '' } as unknown as Documents['entries']) })
      return true
    }
    if (now === null) {
      await this.write(name, [id], () => found.incrementalRemove())
      return true
    }
    const here = bare(found.toJSON())
    const [before, after, stands] = [base?.['tags'], now['tags'], here['tags']]
    if (Array.isArray(before) && Array.isArray(after) && Array.isArray(stands)) now = { ...now, tags: withChanges(stands, before, after) }
    const fields = Object.fromEntries(Object.entries(now).filter(([field, value]) => !isSame(value, here[field])))
    if ((base === null && name !== 'votes') || Object.keys(fields).length === 0) return false
    await this.write(name, [id], () => found.incrementalPatch(fields))
    return true
  }

  #done (id: string): void {
    this.waiting.delete(id)
    this.outbox.drop(id)
  }

  // A change that was taken back before it went out is never sent: only the end of the replication's queue tells of it.
  async #settle (name: CollectionName, ids: string[]): Promise<void> {
    const edits = ids.map((id) => this.outbox.edit(id))
    await this.#replications.get(name)?.awaitInSync()
    ids.forEach((id, at) => { if (this.outbox.edit(id) === edits[at]) this.#done(id) }) // not what came since
  }

  async follow<Name extends CollectionName> (name: Name): Promise<void> {
    const collection = this.collections[name] as unknown as RxCollection<Documents['entries']>
    const table = this.tables[name] as unknown as Table<Documents['entries']>
    table.follow(collection)
    const state = await replicate({
      link: this.link, collection, replicationIdentifier: 'node', batchSize: BATCH, waitForLeadership: false,
      readOnly: READ_ONLY.includes(name)
    })
    this.#replications.set(name, state)
    state.sent$.subscribe((document) => { if (this.outbox.isSettledBy({ ...document })) this.#done(document.id) })
    await state.awaitInitialReplication()
  }
}

/** Open the database and begin to replicate. */
export async function openStore (peer: string): Promise<Store> {
  const database = await createRxDatabase({
    name: 'whatnext', storage: getRxStorageMemory(), multiInstance: false, eventReduce: true
  })
  await database.addCollections(collectionsOf(NAMES))
  const store = new Store(database, location.origin, peer)
  const loaded = Promise.all(NAMES.map((name) => store.follow(name))).then(() => { store.loaded = true })
  store.outbox.takeOver((left) => {
    for (const { id } of left) store.waiting.add(id)
    void loaded.then(() => store.resume(left))
  })
  return store
}
