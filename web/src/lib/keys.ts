// Names of key presses: `mod+k` (Ctrl, or ⌘ on a Mac), `alt+arrowup`, `?`.

/** What was pressed; empty while somebody writes, except with Ctrl or ⌘. */
export function chord (event: KeyboardEvent): string {
  const isMod = event.ctrlKey || event.metaKey
  if (!isMod && isWriting(event.target)) return ''
  const key = event.key.toLowerCase()
  const isSign = key.length === 1 && !/[a-z0-9 ]/.test(key)
  return [isMod ? 'mod' : '', event.altKey ? 'alt' : '', event.shiftKey && !isSign ? 'shift' : '', key]
    .filter((part) => part !== '').join('+')
}

export function isWriting (target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable="true"]')
}
