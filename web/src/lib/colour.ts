// Colours are told apart by hue only; lightness and chroma are the theme's, so that text stays readable on any cover.

/** Colours offered for covers and people. */
export const COLOURS = [
  '#c2564b', '#c2743a', '#a98b2d', '#6f9440', '#3f9468', '#2f8f95', '#3f7fb8', '#5a6cc4', '#8a5fbd', '#b3559a'
]

/** Hue in degrees (OKLCH) of `#rrggbb`; null for greys and what is no colour. */
export function hueOf (colour: string | null): number | null {
  const found = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(colour ?? '')
  if (found === null) return null
  const [red = 0, green = 0, blue = 0] = found.slice(1).map((part) => linear(parseInt(part, 16) / 255))
  // Björn Ottosson's Oklab matrices, https://bottosson.github.io/posts/oklab/
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
  const a = 1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short
  const b = 0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short
  if (Math.hypot(a, b) < 0.02) return null
  return (Math.atan2(b, a) * 180 / Math.PI + 360) % 360
}

/** The hue of something with a colour of its own, or one that its id always gets. */
export function hueFor (colour: string | null | undefined, id: string): number {
  return hueOf(colour ?? null) ?? hueOf(COLOURS[hash(id) % COLOURS.length] ?? null) ?? 262
}

/** Up to two letters that stand for a name. */
export function initials (name: string): string {
  const words = name.trim().split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word))
  return words.slice(0, 2).map((word) => [...word][0]?.toUpperCase() ?? '').join('')
}

function linear (value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
}

function hash (id: string): number {
  let sum = 0
  for (const character of id) sum = (sum * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return sum
}
