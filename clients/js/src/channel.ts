// What a link needs of a path to a node, whatever carries it: whole messages, both ways, in order.

/** An open path. Both methods may be called at any time, also after its end. */
export interface Channel {
  /** Send one message; one that can no longer be sent is dropped, as the end of the path is told anyway. */
  send: (message: string) => void
  /** End it; `closed` of its receiver is not called for that. */
  close: () => void
}

/** Who is told what comes. */
export interface Receiver {
  message: (text: string) => void
  /** The path ended, once, for a reason in a sentence. */
  closed: (reason: string) => void
}

/** Opens a path; rejects when it cannot be opened or the signal aborts. */
export type Open = (receiver: Receiver, signal: AbortSignal) => Promise<Channel>
