// Where nodes are.

import { readFile } from 'node:fs/promises'
import type { NodeAddress } from '../../src/websocket.ts'

/** Where the node of a profile is right now. */
export function nodeOf (profile: string): () => Promise<NodeAddress> {
  return async () => JSON.parse(await readFile(`${profile}/node.json`, 'utf8')) as NodeAddress
}
