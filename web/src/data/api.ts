// Operations of the node: `POST /v1/<operation>`, answers as the structs of src/whatnext say.

import { text } from '../text.ts'

/** What the node refused or could not do; `code` is stable, the message is a sentence for people. */
export class Problem extends Error {
  readonly code: string
  readonly status: number

  constructor (code: string, status: number, message: string) {
    super(message)
    this.name = 'Problem'
    this.code = code
    this.status = status
  }
}

interface ProblemDocument { type: string, status: number, detail: string }

/** Ask the node for an operation; rejects with a `Problem`, also when no node answers (`offline`). */
export async function call<Result> (operation: string, request: object = {}): Promise<Result> {
  let response: Response
  try {
    response = await fetch(`/v1/${operation}`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request)
    })
  } catch {
    throw new Problem('offline', 0, text.problems.offline)
  }
  if (response.ok) return await response.json() as Result
  throw await problemOf(response)
}

/** A sentence for whatever was thrown. */
export function sentence (error: unknown): string {
  const said = error instanceof Error ? error.message : String(error)
  return said.charAt(0).toUpperCase() + said.slice(1)
}

/** Bytes as base64, as operations take files. */
export async function base64 (file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  let binary = ''
  for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768))
  return btoa(binary)
}

async function problemOf (response: Response): Promise<Problem> {
  try {
    const said = await response.json() as ProblemDocument
    return new Problem(said.type.replace('urn:whatnext:problem:', ''), response.status, said.detail)
  } catch {
    return new Problem('unreadable', response.status, text.problems.unreadable)
  }
}
