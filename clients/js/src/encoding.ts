// Texts of bytes as WhatNext writes them: base58 (Bitcoin's alphabet) for keys, lower-case base32 for ids.

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** Base58 of some bytes; leading zero bytes are leading ones. */
export function toBase58 (bytes: Uint8Array): string {
  let number = 0n
  for (const byte of bytes) number = number << 8n | BigInt(byte)
  let text = ''
  for (; number > 0n; number /= 58n) text = BASE58[Number(number % 58n)] + text
  const zeros = bytes.findIndex((byte) => byte !== 0)
  return '1'.repeat(zeros < 0 ? bytes.length : zeros) + text
}

/** Bytes behind a base58 text; null when it is none. */
export function fromBase58 (text: string): Uint8Array<ArrayBuffer> | null {
  let number = 0n
  for (const character of text) {
    const digit = BASE58.indexOf(character)
    if (digit < 0) return null
    number = number * 58n + BigInt(digit)
  }
  const bytes: number[] = []
  for (; number > 0n; number >>= 8n) bytes.unshift(Number(number & 255n))
  const zeros = /^1*/.exec(text)?.[0].length ?? 0
  return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes])
}

/** Base32 of a multiple of five bytes. */
export function toBase32 (bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = held << 8 | byte
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32.charAt(held >> (bits - 5) & 31)
    held &= 255
  }
  return text
}

/** Bytes behind a base32 text of a multiple of eight characters; null when it is none. */
export function fromBase32 (text: string): Uint8Array<ArrayBuffer> | null {
  if (text.length % 8 !== 0) return null
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const character of text) {
    const digit = BASE32.indexOf(character)
    if (digit < 0) return null
    held = (held << 5 | digit) & 4095
    bits += 5
    if (bits >= 8) bytes.push(held >> (bits -= 8) & 255)
  }
  return Uint8Array.from(bytes)
}
