// A headless Chromium with a page of a node: `node browser.ts CHROMIUM`. Answers each line {"id", "do", …} on stdin.
// The page is whatever the node answers to `/`, with our script put in, as the node serves none yet. It has to be a real
// answer: a made-up one has no address, so Chromium takes it for one of the Internet, and those may not talk to loopback.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]

const bundled = await build({
  entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2023',
  write: false
})
const script = bundled.outputFiles[0]?.text ?? ''
const browser = await chromium.launch({ executablePath: process.argv[2] ?? '', args: FLAGS })
const context = await browser.newContext({ bypassCSP: true })
const page = await context.newPage()
const uncaught: string[] = []
page.on('pageerror', (error) => { uncaught.push(String(error)) })
page.on('console', (message) => {
  // That a node is not there is the browser's own remark, on every attempt; the link tells it as a problem.
  if (message.type() === 'error' && !/^(WebSocket connection to|Failed to load resource)/.test(message.text())) {
    uncaught.push(message.text())
  }
})

interface Asked { url: string, once: string, call: string, with: unknown[] }

const operations: Record<string, (asked: Asked) => Promise<unknown>> = {
  visit: async ({ once }) => {
    await page.goto(once)
    await page.addScriptTag({ content: script, type: 'module' })
    await page.waitForFunction(() => 'whatnext' in globalThis)
  },
  signIn: async ({ once }) => {
    await context.request.get(once, { maxRedirects: 0 })
  },
  call: async ({ call, with: arguments_ }) => await page.evaluate(
    async ([name, given]) => await (globalThis as any).whatnext[name as string](...(given as unknown[])),
    [call, arguments_ ?? []] as const
  ),
  foreign: async ({ url }) => {
    const server = createServer((_, response) => { response.end('another site') })
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    const other = await context.newPage()
    const said: string[] = []
    other.on('console', (message) => { said.push(message.text()) })
    await other.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await other.evaluate(async (address) => {
      const socket = new WebSocket(address)
      await new Promise((resolve) => { socket.onopen = socket.onclose = resolve })
    }, url.replace('http', 'ws') + '/rxdb')
    await other.close()
    server.close()
    return said
  },
  uncaught: async () => uncaught
}

const say = (line: unknown): void => { process.stdout.write(JSON.stringify(line) + '\n') }
for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...asked } = JSON.parse(line) as Asked & { id: number, do: string }
  const operation = operations[name]
  if (operation === undefined) throw new Error(`there is no ${name}`)
  operation(asked).then(
    (result) => { say({ id, result: result ?? null }) },
    (error: Error) => { say({ id, error: error.message }) }
  )
}
await browser.close()
process.exit(0)
