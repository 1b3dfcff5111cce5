// The browser's half of tools/pictures.py, which says how to run it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [chromiumPath, folder, ...wanted] = process.argv.slice(2)
const { chromium } = createRequire(new URL('../web/package.json', import.meta.url))('playwright-core')
const told = JSON.parse(readFileSync(join(folder, 'told.json'), 'utf8'))
const list = `/#/playlist/${told.playlist}`

const KINDS = {
  light: { viewport: { width: 1240, height: 800 }, colorScheme: 'light' },
  dark: { viewport: { width: 1240, height: 800 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light', isMobile: true, hasTouch: true, deviceScaleFactor: 2 }
}

const tool = (name) => (page) => page.locator('.tools').getByRole('button', { name }).click()
const row = (page, title) => page.locator('[role=row]', { hasText: title }).first()
const open = async (page, title) => {
  if (await page.evaluate(() => matchMedia('(hover: none)').matches)) await row(page, title).tap()
  else await row(page, title).dblclick()
}
const play = async (page, title) => {
  await page.getByRole('button', { name: `Play ${title}` }).click()
  await page.waitForFunction(() => Number(document.querySelector('section.bar input')?.value ?? 0) >= 1)
}
const link = async (page) => {
  await tool('People')(page)
  await page.getByRole('button', { name: 'Make a link' }).click()
  await page.getByRole('img', { name: 'The invite as a QR code' }).waitFor()
}
const joinWith = async (page) => {
  await page.getByRole('button', { name: 'Join with a link' }).last().click()
  await page.getByLabel('Paste a WhatNext link').fill(told.basement)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('heading', { name: /You are invited/ }).waitFor()
}
const looked = async (page) => {
  await page.getByRole('button', { name: 'Look now' }).click()
  await page.locator('.verdicts li').first().waitFor()
}

/** By name: where, and what is done there. */
const PAGES = {
  home: ['/#/'],
  list: [list],
  playing: [list, async (page) => { await play(page, 'Sodade'); await open(page, 'Sodade') }],
  'playing-talk': [list, async (page) => { await play(page, 'Sodade'); await page.getByRole('button', { name: /^Talk/ }).click() }],
  'next-panel': [list, tool('What next?')],
  history: [list, async (page) => {
    await tool('History')(page)
    await page.locator('aside li').nth(4).hover()
    await page.locator('aside li').nth(4).getByRole('button').first().click()
  }],
  'invite-qr': [list, link],
  members: [list, tool('People')],
  settings: [list, tool('More')],
  hover: [list, async (page) => { await row(page, 'White Gloves').hover(); await row(page, 'Sodade').focus() }],
  selected: [list, async (page) => {
    for (const title of ['White Gloves', 'Water No Get Enemy', 'Sodade']) await row(page, title).locator('.by').click({ modifiers: ['Control'] })
  }],
  bottom: [list, async (page) => { await page.locator('[data-scroller]').evaluate((list) => { list.scrollTop = 1e6 }) }],
  nothing: [list, async (page) => { await page.getByPlaceholder('Filter').fill('polka') }],
  empty: [`/#/playlist/${told.empty}`],
  long: [`/#/playlist/${told['Songs that my neighbour hears whether she wants to or not']}`],
  waiting: ['/#/', async (page) => { await page.locator('.waits').first().scrollIntoViewIfNeeded() }],
  people: ['/#/people'],
  'people-more': ['/#/people', async (page) => { await page.locator('summary').first().click(); await page.waitForTimeout(500) }],
  network: ['/#/network', async (page) => { await page.waitForTimeout(800) }],
  'network-doctor': ['/#/network', looked],
  'network-end': ['/#/network', async (page) => { await page.waitForTimeout(500); await page.locator('main').evaluate((main) => { main.scrollTop = 1e6 }) }],
  find: [list, async (page) => { await page.keyboard.press('Control+k'); await page.keyboard.type('so', { delay: 30 }) }],
  keys: [list, (page) => page.keyboard.press('?')],
  create: ['/#/', (page) => page.getByRole('button', { name: 'New playlist' }).last().click()],
  join: ['/#/', joinWith]
}

// Each jump, and whether somebody had just clicked: a browser counts only the others.
const WATCH = `window.jumps = []
new PerformanceObserver((all) => {
  for (const each of all.getEntries()) {
    window.jumps.push({
      value: each.value, asked: each.hadRecentInput,
      what: each.sources.map(({ node }) => node?.nodeType === 1 ? node.tagName + '.' + node.className : String(node?.textContent).slice(0, 30))
    })
  }
}).observe({ type: 'layout-shift', buffered: true })`

const browser = await chromium.launch({
  executablePath: chromiumPath,
  ignoreDefaultArgs: ['--hide-scrollbars'], // as people have them
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--autoplay-policy=no-user-gesture-required', '--mute-audio'
  ]
})
const jumps = {}

async function take (page, name, kind) {
  await page.waitForTimeout(450) // what moves has come to rest
  await page.screenshot({ path: join(folder, `${name}-${kind}.png`) })
  const seen = await page.evaluate('window.jumps')
  const sum = (all) => Number(all.reduce((total, { value }) => total + value, 0).toFixed(4))
  jumps[`${name}-${kind}`] = { uncalled: sum(seen.filter(({ asked }) => !asked)), all: sum(seen), what: seen }
}

const ask = async (name, operation, request = {}) => {
  const { url, token } = told.nodes[name]
  const answer = await fetch(`${url}/v1/${operation}`, { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: JSON.stringify(request) })
  if (!answer.ok) throw new Error(await answer.text())
  return await answer.json()
}

/** One browser profile of somebody, at a page of its own. */
async function person (name, kind) {
  const context = await browser.newContext(KINDS[kind])
  await context.addInitScript(WATCH)
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  await page.goto((await ask(name, 'node.browse')).url)
  await page.locator('h1').first().waitFor()
  return page
}

async function newcomer (kind) {
  const page = await person('nova', kind)
  await take(page, 'first', kind)
  await page.getByLabel('Name').fill('Nova')
  await page.keyboard.press('Escape')
  await take(page, 'first-home', kind)
  await page.goto(new URL('/#/people', page.url()).href)
  await take(page, 'first-people', kind)
  await page.context().clearCookies()
  await page.goto(new URL('/?', page.url()).href)
  await take(page, 'sign-in', kind)
  await page.context().close()
}

/** A friend moves a row and adds one, in pictures 60 ms apart; says where the moved row was in every frame. */
async function motion () {
  const page = await person('ada', 'light')
  await page.goto(new URL(list, page.url()).href)
  await row(page, 'Lovely Day').waitFor()
  await page.waitForTimeout(1000)
  await page.evaluate((id) => {
    window.tops = []
    const look = () => {
      window.tops.push(Math.round(document.querySelector(`[data-id$="${id}"]`).getBoundingClientRect().top))
      requestAnimationFrame(look)
    }
    look()
  }, told.entries['This Must Be the Place'])
  await ask('ben', 'playlist.move', { playlist: told.playlist, entries: [told.entries['This Must Be the Place']], to: 2 })
  for (let number = 0; number < 8; number += 1) {
    await page.screenshot({ path: join(folder, `motion-${number}.png`) })
    await page.waitForTimeout(60)
  }
  await ask('ben', 'playlist.add', { playlist: told.playlist, tracks: [{ title: 'A new one', artists: ['Ben'] }], after: told.entries['White Gloves'] })
  for (let number = 8; number < 14; number += 1) {
    await page.screenshot({ path: join(folder, `motion-${number}.png`) })
    await page.waitForTimeout(60)
  }
  const tops = await page.evaluate('window.tops')
  console.log('the moved row, by frames:', tops.filter((top, at) => top !== tops[at - 1]).join(' '))
  await page.context().close()
}

mkdirSync(folder, { recursive: true })
const names = Object.keys(PAGES).filter((name) => wanted.length === 0 || wanted.some((begin) => name.startsWith(begin)))
const kinds = process.env.KINDS?.split(',') ?? Object.keys(KINDS)
for (const kind of kinds) {
  const first = await person('ada', kind)
  await first.locator('.tile').first().waitFor()
  const home = first.url()
  for (const name of names) {
    const [path, act] = PAGES[name]
    const page = await first.context().newPage() // a new tab: each picture begins with a page just opened
    page.setDefaultTimeout(10_000)
    try {
      await page.goto(new URL(path, home).href)
      await page.locator('h1').first().waitFor()
      await page.waitForTimeout(250)
      await act?.(page)
      await take(page, name, kind)
    } catch (error) {
      console.error(`${name}-${kind}: ${String(error).split('\n')[0]}`)
      process.exitCode = 1
    }
    await page.close()
  }
  if (wanted.length === 0 && kind === 'light') await newcomer(kind)
  await first.context().close()
}
if (wanted.length === 0 || wanted.includes('motion')) await motion() // last: it changes the list
writeFileSync(join(folder, 'jumps.json'), JSON.stringify(jumps, null, 1))
for (const [name, { uncalled, all }] of Object.entries(jumps)) console.log(`${name.padEnd(26)} jumped by ${uncalled} uncalled, ${all} in all`)
await browser.close()
