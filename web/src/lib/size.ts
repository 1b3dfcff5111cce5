/** `820 bytes`, `4.2 kB`, `17 MB`: powers of a thousand, as systems show sizes of files. */
export function size (bytes: number): string {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
  const power = Math.min(3, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ${['', 'kB', 'MB', 'GB'][power]}`
}
