// Where an entry stands in its list: keys that sort by their bytes, made between two neighbours. The rules and their
// reasons are those of src/whatnext/records/positions.py; test/vectors.json, written by it, holds both to the same.

export const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
export const MAX_LENGTH = 128

const BASE = 62n
const HEADERS = ALPHABET.slice(10)
const FIRST = 'a0'
const CHOICES = 1n << 24n // two devices at one place make the same key at most once in 16 million
const RUN_CHOICES = 1n << 35n // as the reasons beside run() in positions.py say
const ROOM = 8 // free counters between two keys of one run, at least

/** Every key between these two would be too long: the node has to make its list's keys short again. */
export class NoRoom extends Error {
  constructor () {
    super(`a position here would be longer than ${MAX_LENGTH} characters: move another entry away first`)
    this.name = 'NoRoom'
  }
}

/** A number from 0 up to, and without, `below`, each as likely; for tests another than the system's. */
export type Draw = (below: bigint) => bigint

/** Whether a text is a position: 1 to 128 characters of the alphabet, the last no zero. */
export function isPosition (key: string): boolean {
  return key.length <= MAX_LENGTH && /^[0-9A-Za-z]*[1-9A-Za-z]$/.test(key)
}

/**
 * A new key strictly between two neighbours; null is an end of the list. When `before` does not sort before `after`,
 * as two peers may have made equal keys, the result sorts right after `before`. Throws `NoRoom`, and a `RangeError`
 * for what is no position.
 */
export function positionBetween (before: string | null, after: string | null, draw: Draw = drawn): string {
  const { low, high, width } = gap(...edges(before, after), CHOICES)
  return textOf(withoutFinalZero(low + 1n + draw(high - low - 2n)), width)
}

/** A new key behind the last one of a list (null: it is empty). */
export const positionAfter = (last: string | null, draw: Draw = drawn): string => positionBetween(last, null, draw)

/**
 * Ascending keys for `count` entries that go to one place together: one random prefix with counters behind it, so two
 * albums added at one place never interleave, and a thousand keys are no longer than ten. Throws as `positionBetween`.
 */
export function positionRun (before: string | null, after: string | null, count: number, draw: Draw = drawn): string[] {
  const { low, high, width } = gap(...edges(before, after), RUN_CHOICES)
  const prefix = textOf(low + 1n + draw(high - low - 1n), width)
  let digits = 1
  while (Number(BASE) ** digits < (count + 1) * ROOM) digits++
  if (width + digits > MAX_LENGTH) throw new NoRoom()
  const step = BASE ** BigInt(digits) / BigInt(count + 1)
  return Array.from({ length: count }, (_, at) => prefix + textOf(withoutFinalZero(step * BigInt(at + 1)), digits))
}

type Interval = [low: string, high: string | null]

function edges (before: string | null, after: string | null): Interval {
  for (const key of [before, after]) {
    if (key !== null && !isPosition(key)) throw new RangeError(`“${key.slice(0, MAX_LENGTH)}” is no position`)
  }
  if (before === null && after === null) return extensions(FIRST)
  if (after === null) {
    const stepped = step(before ?? '', 1)
    return stepped === null ? [before ?? '', null] : extensions(stepped)
  }
  if (before === null) {
    const stepped = step(after, -1)
    return stepped === null ? ['', after] : extensions(stepped)
  }
  return before < after ? [before, after] : extensions(before)
}

function extensions (key: string): Interval {
  const successor = valueOf(key) + 1n
  return [key, successor === BASE ** BigInt(key.length) ? null : textOf(successor, key.length)]
}

function step (key: string, by: 1 | -1): string | null {
  const header = key.charAt(0)
  const size = integerDigits(header)
  const digits = key.slice(1, 1 + size)
  if (size === 0 || digits.length < size) return null
  const value = valueOf(digits) + BigInt(by)
  if (value >= 0n && value < BASE ** BigInt(size)) return header + textOf(value, size)
  const following = HEADERS.charAt(HEADERS.indexOf(header) + by)
  if (following === '') return null
  return following + (by > 0 ? '0' : 'z').repeat(integerDigits(following))
}

function integerDigits (header: string): number {
  const at = header === '' ? -1 : HEADERS.indexOf(header)
  if (at < 0) return 0
  const half = HEADERS.length / 2
  return at >= half ? at - half + 1 : half - at
}

function gap (low: string, high: string | null, choices: bigint): { low: bigint, high: bigint, width: number } {
  let bottom = 0n
  let top = high === null ? 1n : 0n
  for (let width = 1; width <= MAX_LENGTH; width++) {
    bottom = bottom * BASE + digitAt(low, width - 1)
    top = top * BASE + digitAt(high ?? '', width - 1)
    if (top - bottom > choices + 1n) return { low: bottom, high: top, width }
  }
  throw new NoRoom()
}

const withoutFinalZero = (value: bigint): bigint => value % BASE === 0n ? value + 1n : value

function digitAt (key: string, at: number): bigint {
  return at < key.length ? BigInt(ALPHABET.indexOf(key.charAt(at))) : 0n
}

function valueOf (digits: string): bigint {
  let value = 0n
  for (let at = 0; at < digits.length; at++) value = value * BASE + digitAt(digits, at)
  return value
}

function textOf (value: bigint, width: number): string {
  let text = ''
  for (let left = value; text.length < width; left /= BASE) text = ALPHABET.charAt(Number(left % BASE)) + text
  return text
}

// Of 16 bytes: the bias of the remainder is below 2 to the power of -100 for what is drawn here.
function drawn (below: bigint): bigint {
  const words = crypto.getRandomValues(new BigUint64Array(2))
  return ((words[0] ?? 0n) << 64n | (words[1] ?? 0n)) % below
}
