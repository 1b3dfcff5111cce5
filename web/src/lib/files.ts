// Playlist files in and out; the node reads and writes them.

import type { App } from '../app.svelte.ts'
import { base64, call } from '../data/api.ts'
import type { Export, ImportReport } from '../data/views.ts'
import { text } from '../text.ts'
import { to } from './route.ts'

export const FORMATS: Array<[string, string]> = [
  ['m3u8', 'M3U8'], ['xspf', 'XSPF'], ['jspf', 'JSPF'], ['csv', 'CSV (Exportify)'], ['markdown', 'Markdown']
]

/** Import files into a playlist, or each as a new one; what had to be mended is said. */
export async function importFiles (app: App, files: File[], into?: string): Promise<void> {
  for (const file of files) {
    await app.attempt(async () => {
      const request = { content: await base64(file), filename: file.name, ...(into === undefined ? {} : { into }) }
      const report = await call<ImportReport>('playlist.import', request)
      app.say([text.playlist.imported(report.entries, report.name), ...report.warnings.slice(0, 2)].join(' · '))
      if (into === undefined) location.hash = to.playlist(report.playlist)
    })
  }
}

/** Save a playlist as a file. */
export async function exportAs (app: App, playlist: string, format: string): Promise<void> {
  await app.attempt(async () => {
    const { filename, content, losses } = await call<Export>('playlist.export', { playlist, format })
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0))
    const url = URL.createObjectURL(new Blob([bytes]))
    const link = Object.assign(document.createElement('a'), { href: url, download: filename })
    link.click()
    URL.revokeObjectURL(url)
    app.say([text.playlist.exported(filename), ...losses.slice(0, 2)].join(' · '))
  })
}
