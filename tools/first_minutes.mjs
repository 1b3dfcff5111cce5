// Two people who have never seen WhatNext: a fresh clone, the README's commands, the default browser, one shared list.
//
//   node tools/first_minutes.mjs FOLDER [--setup]
//
// FOLDER gets the clone, two profiles, a picture of each step and steps.json. Every act is made at a person's pace:
// a second to look before each click, five letters a second. --setup stops when the clone is installed.
// Needs Xvfb and Chromium.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'

const LOOK_MS = 1000
const KEY_MS = 200
const SIZE = [1240, 800]
const PATIENCE_MS = 60_000

const folder = resolve(process.argv[2])
const clone = join(folder, 'whatnext')
const steps = []
const children = []
let acts = 0
let clock = performance.now()

/** Note how long it took since the last note. */
function done (step, page) {
  const seconds = (performance.now() - clock) / 1000
  steps.push({ step, seconds: Number(seconds.toFixed(2)), acts })
  console.log(`${seconds.toFixed(2).padStart(7)} s  ${String(acts).padStart(2)} acts  ${step}`)
  acts = 0
  return picture(step, page)
}

async function picture (step, page) {
  if (page !== undefined) {
    await page.waitForTimeout(400) // what moves has come to rest
    await page.screenshot({ path: join(folder, `${String(steps.length).padStart(2, '0')}-${step.replace(/\W+/g, '-')}.png`) })
  }
  clock = performance.now()
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms) })

async function click (what) {
  acts += 1
  await pause(LOOK_MS)
  await what.click()
}

async function type (what, words) {
  acts += 1
  await pause(LOOK_MS)
  await what.pressSequentially(words, { delay: KEY_MS })
}

function run (command, args, options) {
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true, ...options })
  children.push(child)
  return child
}

async function display () {
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', `${SIZE.join('x')}x24`, '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], detached: true })
  children.push(server)
  const [number] = await new Promise((resolve) => { server.stdio[3].on('data', (data) => { resolve(String(data).split('\n')) }) })
  return `:${number}`
}

/** Somebody's desktop: a home for the profile, and a default browser that can be watched at a port. */
function person (name, port, screen) {
  const home = join(folder, name)
  mkdirSync(home, { recursive: true })
  const browser = join(home, 'browser')
  writeFileSync(browser, `#!/bin/sh
exec chromium --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \\
  --disable-component-update --disable-sync --window-size=${SIZE} --window-position=0,0 --user-data-dir=${home}/chromium \\
  --remote-debugging-port=${port} "$@" >${home}/chromium.log 2>&1 &
`)
  chmodSync(browser, 0o755)
  const env = { ...process.env, DISPLAY: screen, BROWSER: browser, XDG_DATA_HOME: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config') }
  delete env.WHATNEXT_PROFILE
  return { env, port }
}

/** The page that the app opened in that person's browser. */
async function pageOf ({ port }, chromium) {
  const end = performance.now() + PATIENCE_MS
  while (performance.now() < end) {
    try {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
      const page = browser.contexts()[0].pages().find((each) => each.url().startsWith('http://127.0.0.1'))
      if (page !== undefined) {
        page.setDefaultTimeout(PATIENCE_MS)
        return page
      }
      await browser.close()
    } catch {
      // not started yet
    }
    await pause(50)
  }
  throw new Error('no browser opened')
}

async function first (page, name) {
  await page.getByLabel('Your name').waitFor()
  await done(`${name}: the app is open`, page)
  await type(page.getByLabel('Your name'), name)
  await click(page.getByRole('button', { name: 'Start' }))
  await page.locator('dialog').waitFor({ state: 'detached' })
  await done(`${name}: set up`, page)
}

const row = (page, title) => page.locator('[role=row]', { hasText: title })

async function share (chromium, screen) {
  const anna = person('anna', 9431, screen)
  const ben = person('ben', 9432, screen)
  clock = performance.now()
  run('make', ['run'], { cwd: clone, env: anna.env })
  const hers = await pageOf(anna, chromium)
  await first(hers, 'Anna')
  await click(hers.getByRole('button', { name: 'New playlist' }).last())
  await type(hers.getByLabel('Name'), 'Friday')
  await click(hers.getByRole('button', { name: 'Create' }))
  await type(hers.getByLabel('Add tracks'), 'OutKast - Hey Ya!')
  await hers.keyboard.press('Enter')
  await row(hers, 'Hey Ya!').waitFor()
  await done('Anna: a playlist with a track', hers)
  await click(hers.getByRole('button', { name: 'Invite', exact: true }))
  await click(hers.getByRole('button', { name: 'Make a link' }))
  const link = await hers.locator('aside input[readonly]').inputValue()
  acts += 1 // she copies it and sends it to him
  await done('Anna: an invite', hers)

  run('.venv/bin/whatnext', ['--profile', join(folder, 'ben', 'profile')], { cwd: clone, env: ben.env })
  const his = await pageOf(ben, chromium)
  await first(his, 'Ben')
  await click(his.getByRole('button', { name: 'Join with a link' }).last())
  acts += 1
  await his.getByLabel('Paste a WhatNext link').fill(link)
  await click(his.getByRole('button', { name: 'Continue' }))
  await his.getByRole('heading', { name: 'You are invited' }).waitFor()
  await picture('Ben: the question', his)
  await click(his.getByRole('button', { name: 'Join', exact: true }))
  await row(his, 'Hey Ya!').waitFor()
  await done('Ben: sees the playlist', his)
  await type(his.getByLabel('Add tracks'), 'Nina Simone - Sinnerman')
  const typed = performance.now()
  await his.keyboard.press('Enter')
  await row(hers, 'Sinnerman').waitFor()
  console.log(`        ${Math.round(performance.now() - typed)} ms from Ben's Enter to Anna's screen`)
  await done('Anna: sees what Ben added', hers)
}

mkdirSync(folder, { recursive: true })
try {
  execFileSync('git', ['clone', '-q', resolve(import.meta.dirname, '..'), clone])
  await done('git clone')
  execFileSync('make', ['setup'], { cwd: clone, stdio: 'inherit' })
  await done('make setup')
  if (!process.argv.includes('--setup')) {
    const { chromium } = createRequire(join(clone, 'web', 'package.json'))('playwright-core')
    await share(chromium, await display())
    const total = steps.slice(2).reduce((sum, { seconds }) => sum + seconds, 0)
    console.log(`${total.toFixed(2).padStart(7)} s  from the installed clone to a list that both have changed`)
  }
  writeFileSync(join(folder, 'steps.json'), JSON.stringify(steps, null, 1))
} finally {
  for (const child of children) {
    try {
      process.kill(-child.pid, 'SIGTERM')
    } catch {
      // it has ended
    }
  }
}
spawnSync('pkill', ['-f', join(folder, '[ab]')]) // their browsers; none with --setup
process.exit()
