import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  plugins: [svelte()],
  resolve: {
    alias: { '@whatnext/rxdb-link': here('../clients/js/src/index.ts') },
    dedupe: ['rxdb', 'rxjs'] // the client's sources lie outside of this folder, and must share this folder's RxDB
  },
  build: {
    outDir: here('../src/whatnext/node/api/dist'),
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false }, // the polyfill would be an inline script, which our policy refuses
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.md' } // what is bundled asks to be named where it is passed on; not served
  }
})
