// Tracks out of what people paste: a line each, “Artist – Title”, with or without a number before and a length behind.

import type { Draft } from '../data/edits.ts'
import { parseLength } from './time.ts'

const LONGEST = 500 // characters of a name, as records/schema.py says

/** The tracks in a pasted text; empty lines and comments of playlist files are passed over. */
export function tracksIn (pasted: string): Draft[] {
  return pasted.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'))
    .map(trackIn)
}

function trackIn (line: string): Draft {
  const links: string[] = []
  let rest = line.replace(/https?:\/\/\S+/g, (link) => {
    links.push(link)
    return ''
  }).trim()
  rest = rest.replace(/^(?:[-*•]\s+|\d{1,4}[.)]\s+)/, '')
  let durationMs: number | null = null
  rest = rest.replace(/\s*[([]?((?:\d{1,3}:)?\d{1,3}:[0-5]\d)[)\]]?$/, (whole, said: string) => {
    durationMs = parseLength(said)
    return durationMs === null ? whole : ''
  }).trim()
  const [artist, title] = halves(rest)
  const named = title === '' ? artist : title
  return {
    title: cut(named === '' ? titleOfLink(links[0]) : named),
    artists: title === '' ? [] : [cut(artist)],
    ...(durationMs === null ? {} : { durationMs }),
    ...(links.length === 0 ? {} : { links })
  }
}

const cut = (name: string): string => name.length <= LONGEST ? name : [...name].slice(0, LONGEST).join('').trim()

// A dash counts between blanks only: “Jay-Z” is one word.
function halves (said: string): [string, string] {
  const tabbed = said.split('\t').map((part) => part.trim()).filter((part) => part !== '')
  if (tabbed.length > 1) return [tabbed[0] ?? '', tabbed[1] ?? '']
  const found = /^(.+?)\s+[-–—]\s+(.+)$/.exec(said)
  return found === null ? [said, ''] : [found[1] ?? '', found[2] ?? '']
}

function titleOfLink (link: string | undefined): string {
  if (link === undefined) return '?'
  try {
    const { hostname, pathname } = new URL(link)
    const last = pathname.split('/').filter((part) => part !== '').at(-1)
    return last === undefined ? hostname : `${decodeURIComponent(last)} (${hostname})`
  } catch {
    return link
  }
}
