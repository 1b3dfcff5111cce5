// Lengths and moments as people say them.

/** `3:45`, `1:02:03`; empty for null. */
export function length (ms: number | null): string {
  if (ms === null) return ''
  const seconds = Math.round(ms / 1000)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const tail = String(rest).padStart(2, '0')
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`
}

/** Milliseconds of `3:45` or `1:02:03`; null for what is no length. */
export function parseLength (said: string): number | null {
  const found = /^(?:(\d{1,3}):)?(\d{1,3}):([0-5]\d)$/.exec(said.trim())
  if (found === null) return null
  return ((Number(found[1] ?? 0) * 60 + Number(found[2])) * 60 + Number(found[3])) * 1000
}

/** `4 h 12 min`, for a whole list. */
export function total (ms: number): string {
  const minutes = Math.round(ms / 60000)
  const hours = Math.floor(minutes / 60)
  return hours > 0 ? `${hours} h ${minutes % 60} min` : `${minutes} min`
}

const RELATIVE = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const STEPS: Array<[Intl.RelativeTimeFormatUnit, number]> = [
  ['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]
]

/** `5 minutes ago`, `yesterday`; from a month on the date. */
export function ago (at: number, now = Date.now()): string {
  if (now - at > 30 * 86_400_000) return day(at)
  for (const [unit, ms] of STEPS) {
    if (Math.abs(now - at) >= ms) return RELATIVE.format(Math.round((at - now) / ms), unit)
  }
  return 'just now'
}

/** `22 Nov 2026`. */
export const day = (at: number): string => new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })

/** `15:04:59`. */
export const clock = (at: number): string => new Date(at).toLocaleTimeString('en-GB')
