// Messages on a libp2p stream: an unsigned varint with the length, then JSON, or (version 1.1) JSON packed with zlib.
// JSON begins with “{”, zlib with 0x78 (src/whatnext/rxdb/framing.py).

const PACK_FROM = 1024 // the node's COMPRESS_FROM
const MAX_MESSAGE = 64 * 1024 * 1024 // a pull of 5,000 documents with long notes
const ZLIB = 0x78

/** A message as it goes on the stream. */
export async function frame (message: string, packs: boolean): Promise<Uint8Array> {
  let payload: Uint8Array = new TextEncoder().encode(message)
  if (packs && payload.length >= PACK_FROM) payload = await through(payload, new CompressionStream('deflate'))
  const head: number[] = []
  let length = payload.length
  for (; length >= 128; length = Math.floor(length / 128)) head.push(length % 128 + 128)
  head.push(length)
  const framed = new Uint8Array(head.length + payload.length)
  framed.set(head)
  framed.set(payload, head.length)
  return framed
}

/** Cuts bytes into messages; throws a `RangeError` for one that is too long. */
export class Unframer {
  #pieces: Uint8Array[] = []
  #length = 0

  /** Take some bytes; the payloads that are whole now, packed as they came. */
  feed (piece: Uint8Array): Uint8Array[] {
    this.#pieces.push(piece)
    this.#length += piece.length
    const whole: Uint8Array[] = []
    for (let next = this.#next(); next !== null; next = this.#next()) whole.push(next)
    return whole
  }

  #next (): Uint8Array | null {
    const head = this.#head()
    if (head === null || this.#length < head.size + head.length) return null
    const bytes = joined(this.#pieces, this.#length)
    const end = head.size + head.length
    this.#pieces = end < bytes.length ? [bytes.subarray(end)] : []
    this.#length -= end
    return bytes.subarray(head.size, end)
  }

  // Looked for in the pieces, so that a long message is put together once, not at each of its pieces.
  #head (): { size: number, length: number } | null {
    let length = 0
    let size = 0
    for (const piece of this.#pieces) {
      for (const byte of piece) {
        length += byte % 128 * 128 ** size++
        if (byte < 128) {
          if (length > MAX_MESSAGE) throw new RangeError(`a message of ${length} bytes from the node`)
          return { size, length }
        }
        if (size > 4) throw new RangeError('a message of the node without an end')
      }
    }
    return null
  }
}

/** The text of a payload; rejects what cannot be unpacked or becomes too long. */
export async function textOf (payload: Uint8Array): Promise<string> {
  const bytes = payload[0] === ZLIB ? await through(payload, new DecompressionStream('deflate')) : payload
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}

async function through (bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const writer = stream.writable.getWriter()
  const writing = writer.write(bytes as Uint8Array<ArrayBuffer>).then(async () => { await writer.close() })
  writing.catch(() => {}) // the reader hears of it too
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of stream.readable as ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) {
    pieces.push(piece)
    length += piece.length
    if (length > MAX_MESSAGE) throw new RangeError('a packed message of the node is too long')
  }
  await writing
  return joined(pieces, length)
}

function joined (pieces: Uint8Array[], length: number): Uint8Array {
  const [first] = pieces
  if (first !== undefined && first.length === length) return first
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
