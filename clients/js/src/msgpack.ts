// As much of MessagePack as a record needs.

export type Packable = number | bigint | string | Uint8Array | Packable[] | Map<string, Packable>

/** Encode a value; whole numbers only, none negative. */
export function pack (value: Packable): Uint8Array {
  const bytes: number[] = []
  write(value, bytes)
  return Uint8Array.from(bytes)
}

function write (value: Packable, to: number[]): void {
  if (typeof value === 'bigint' || typeof value === 'number') {
    writeNumber(BigInt(value), to)
  } else if (typeof value === 'string') {
    const text = new TextEncoder().encode(value)
    if (text.length < 32) to.push(0xa0 | text.length)
    else to.push(0xda, ...bigEndian(BigInt(text.length), 2))
    to.push(...text)
  } else if (value instanceof Uint8Array) {
    to.push(0xc5, ...bigEndian(BigInt(value.length), 2), ...value)
  } else if (Array.isArray(value)) {
    to.push(0xdc, ...bigEndian(BigInt(value.length), 2))
    for (const item of value) write(item, to)
  } else {
    to.push(0xde, ...bigEndian(BigInt(value.size), 2))
    for (const [key, item] of value) {
      write(key, to)
      write(item, to)
    }
  }
}

function writeNumber (value: bigint, to: number[]): void {
  if (value < 128n) to.push(Number(value))
  else to.push(0xcf, ...bigEndian(value, 8))
}

function bigEndian (value: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, at) => Number(value >> BigInt(8 * (size - 1 - at)) & 255n))
}
