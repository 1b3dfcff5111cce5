// Whether somebody looks at this page: the node hears it, so that the desktop tells nothing that is on the screen anyway.

import { call } from '../data/api.ts'

/** The node forgets what is not said again within 60 s. */
const AGAIN_MS = 20_000

/** Tell the node from now on. */
export function tellAttention (): void {
  const page = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16)).join('')
  let isTold = false

  function tell (): void {
    const watching = document.visibilityState === 'visible' && document.hasFocus()
    if (!watching && !isTold) return
    isTold = watching
    call('attention.set', { page, watching }).catch(() => { isTold = true }) // a node that is away hears it next time
  }

  for (const event of ['focus', 'blur']) window.addEventListener(event, tell)
  document.addEventListener('visibilitychange', tell)
  setInterval(tell, AGAIN_MS)
  tell()
}
