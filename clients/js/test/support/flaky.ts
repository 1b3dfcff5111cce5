// A path to a node that breaks by chance: before a message gets through, or after it did but before its answer came.

import type { Channel, Open } from '../../src/channel.ts'

export interface Flaw {
  /** Whether this message is the last, and lost. */
  sending: () => boolean
  receiving: (text: string) => boolean
}

/** What was lost so far. */
export interface Losses { requests: number, answers: number }

/** Paths that `open` makes, with a flaw. */
export function flaky (open: Open, flaw: Flaw, losses: Losses): Open {
  return async (receiver, signal) => {
    let isCut = false
    const cut = (channel: Channel | undefined): void => {
      isCut = true
      channel?.close()
      queueMicrotask(() => { receiver.closed('cut by the test') })
    }
    let channel: Channel | undefined
    channel = await open({
      message: (text) => {
        if (isCut) return
        if (!flaw.receiving(text)) return receiver.message(text)
        losses.answers++
        cut(channel)
      },
      closed: (reason) => { if (!isCut) receiver.closed(reason) }
    }, signal)
    const opened = channel
    return {
      send: (text) => {
        if (isCut) return
        if (!flaw.sending()) return opened.send(text)
        losses.requests++
        cut(opened)
      },
      close: () => {
        isCut = true
        opened.close()
      }
    }
  }
}
