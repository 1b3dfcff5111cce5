// A browser for the tests: takes {scenario, args} as lines of JSON, answers {value} or {error} the same way.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import * as apart from './apart.mjs'
import * as listening from './listening.mjs'
import * as looks from './looks.mjs'
import * as members from './members.mjs'
import * as safety from './safety.mjs'
import * as people from './scenarios.mjs'
import * as tabs from './tabs.mjs'

const scenarios = { ...apart, ...people, ...listening, ...looks, ...members, ...safety, ...tabs }

const fromWeb = createRequire(new URL('../../web/package.json', import.meta.url))
const { chromium } = fromWeb('playwright-core')
const AXE = readFileSync(fromWeb.resolve('axe-core/axe.min.js'), 'utf8')
const PATIENCE_MS = 15_000

const browser = await chromium.launch({
  executablePath: process.argv[2],
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio',
    '--host-resolver-rules=MAP evil.test 127.0.0.1' // a site of somebody else's, and a name that only leads here
  ]
})

// A page that is signed in to a node by a one-time link, after `prepare`; `complaints` are errors, refused sources, foreign requests.
async function open (url, { path = '', prepare = async () => {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MS)
  page.complaints = []
  page.on('pageerror', (error) => page.complaints.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) page.complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!/^(data|blob):/.test(request.url()) && new URL(request.url()).hostname !== '127.0.0.1') page.complaints.push(request.url())
  })
  await prepare(page)
  await page.goto(url)
  if (path !== '') await page.goto(new URL(path, page.url()).href)
  return page
}

async function axe (page) {
  await page.evaluate(AXE) // not as a script of the page, which its policy refuses
  const { violations, passes } = await page.evaluate('axe.run(document)')
  if (passes.length < 10) throw new Error('axe looked at nothing')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join(' | ')}`)
}

for await (const line of createInterface({ input: process.stdin })) {
  const { scenario, args } = JSON.parse(line)
  let answer
  try {
    answer = { value: (await scenarios[scenario]({ open, axe }, args)) ?? null }
  } catch (error) {
    answer = { error: error.stack ?? String(error) }
  }
  for (const context of browser.contexts()) await context.close()
  process.stdout.write(JSON.stringify(answer) + '\n')
}
await browser.close()
