// What people do with the pages, each in browsers of its own; `args` name nodes by one-time links.

import assert from 'node:assert/strict'

export const row = (page, title) => page.locator('[role=row]', { hasText: title })
export const titles = (page) => page.locator('[role=row]').evaluateAll((rows) => rows
  .sort((left, right) => Number(left.ariaRowIndex) - Number(right.ariaRowIndex))
  .map((each) => each.querySelector('.title').textContent))

export async function until (what, probe, ms = 15_000) {
  const end = Date.now() + ms
  let last
  while (Date.now() < end) {
    last = await probe()
    if (last === true) return
    await new Promise((resolve) => { setTimeout(resolve, 25) })
  }
  throw new Error(`not within ${ms} ms: ${what}; last ${JSON.stringify(last)}`)
}

export const sees = (page, wanted) => until(`the order ${wanted}`, async () => {
  const shown = await titles(page)
  return JSON.stringify(shown) === JSON.stringify(wanted) || shown
})

async function drag (page, title, onto) {
  await row(page, title).hover()
  const from = await row(page, title).locator('.grip').boundingBox()
  const to = await row(page, onto).boundingBox()
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(from.x + from.width / 2, to.y + to.height / 2, { steps: 8 })
  await page.waitForTimeout(60) // a few frames of the dragging
}

async function dropFile (page, name, content) {
  const data = await page.evaluateHandle(([name, content]) => {
    const data = new DataTransfer()
    data.items.add(new File([content], name))
    return data
  }, [name, content])
  await page.dispatchEvent('main', 'dragover', { dataTransfer: data })
  await page.dispatchEvent('main', 'drop', { dataTransfer: data })
}

export async function strangers ({ open, axe }, { url }) {
  const page = await open(url)
  await page.getByRole('heading', { name: 'Open WhatNext again' }).waitFor()
  return { axe: await axe(page), body: await page.textContent('body'), complaints: page.complaints }
}

export async function looking ({ open }, { link }) {
  const page = await open(link)
  const isWatched = () => page.evaluate(async () => {
    const headers = { 'content-type': 'application/json' }
    return (await (await fetch('/v1/glance', { method: 'POST', headers, body: '{}' })).json()).watched
  })
  await until('the node knows that the page is looked at', isWatched)
  await page.evaluate(() => {
    document.hasFocus = () => false
    window.dispatchEvent(new Event('blur'))
  })
  await until('the node knows that it is no more', async () => !(await isWatched()))
  const other = await page.context().newPage()
  await other.goto(page.url())
  await until('the node knows that another one is', isWatched)
  await other.close({ runBeforeUnload: true })
  await until('the node knows that it was left', async () => !(await isWatched()))
}

export async function everyPage ({ open, axe }, { link, playlist, scheme, width }) {
  const page = await open(link, { colorScheme: scheme, viewport: { width, height: 800 } })
  const found = {}
  await page.locator('.tile').first().waitFor()
  found.home = await axe(page)
  for (const [panel, label] of [['next', 'What next?'], ['history', 'History'], ['people', 'People'], ['settings', 'More']]) {
    await page.goto(new URL(`/#/playlist/${playlist}`, page.url()).href)
    await page.locator('[role=row]').first().waitFor()
    await page.locator('.tools').getByRole('button', { name: label }).click()
    await page.locator('aside').waitFor()
    if (panel === 'people') {
      await page.getByRole('button', { name: 'Make a link' }).click()
      await page.getByRole('img', { name: 'The invite as a QR code' }).waitFor()
    }
    found[panel] = await axe(page)
    await page.keyboard.press('Escape')
  }
  await page.getByRole('button', { name: 'Talk: 2 comments' }).click()
  await page.locator('aside').getByText('All of you?').waitFor()
  found.talk = await axe(page)
  await page.keyboard.press('Escape')
  await page.locator('[role=row]').first().dblclick()
  await page.getByLabel('Artists').waitFor()
  found.track = await axe(page)
  for (const name of ['people', 'network']) {
    await page.goto(new URL(`/#/${name}`, page.url()).href)
    await page.getByRole('heading', { level: 1 }).waitFor()
    if (name === 'network') {
      await page.getByRole('button', { name: 'Look now' }).click()
      await page.locator('.verdicts li').first().waitFor()
    }
    await page.waitForTimeout(150) // what the node answers is on the page
    found[name] = await axe(page)
  }
  for (const [name, key] of [['palette', 'Control+k'], ['keys', '?'], ['create', 'n']]) {
    await page.keyboard.press(key)
    await page.locator('dialog').waitFor()
    found[name] = await axe(page)
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
  }
  found.wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth ? ['the page is wider than the window'] : [])
  return { axe: Object.entries(found).flatMap(([name, said]) => said.map((each) => `${name}: ${each}`)), complaints: page.complaints }
}

export async function sharing ({ open }, { ada, ben }) {
  const first = await open(ada)
  await first.getByLabel('Your name').fill('Ada')
  await first.getByRole('button', { name: 'Start' }).click()
  await first.getByRole('heading', { name: 'Your first playlist' }).waitFor()
  await first.locator('main').getByRole('button', { name: 'New playlist' }).click()
  await first.getByLabel('Name').fill('Friday')
  await first.getByRole('button', { name: 'Create' }).click()
  await first.getByRole('heading', { name: 'Friday', exact: true }).waitFor()
  await dropFile(first, 'mix.m3u8', '#EXTM3U\n#EXTINF:174,Nina Simone - Feeling Good\na.mp3\n#EXTINF:285,Khruangbin - White Gloves\nb.mp3\n')
  await row(first, 'White Gloves').waitFor()
  await first.getByLabel('Add tracks').fill('1. Cesária Évora – Sodade (4:51)\nArooj Aftab - Mohabbat 7:34')
  await first.keyboard.press('Enter')
  await sees(first, ['Feeling Good', 'White Gloves', 'Sodade', 'Mohabbat'])
  await first.getByText('20 min').waitFor()

  await first.getByRole('button', { name: 'Invite', exact: true }).click()
  await first.getByRole('button', { name: 'Make a link' }).click()
  const link = await first.locator('aside input[readonly]').inputValue()
  const second = await open(ben)
  await second.getByLabel('Your name').fill('Ben')
  await second.getByRole('button', { name: 'Start' }).click()
  await second.locator('dialog').waitFor({ state: 'detached' })
  await second.goto(new URL(`/#open=${encodeURIComponent(link)}`, second.url()).href)
  await second.getByRole('heading', { name: 'You are invited to “Friday”' }).waitFor()
  await second.getByText('“Ada” (says the link)').waitFor()
  assert.ok(!second.url().includes('open='), 'the secret left the address')
  await second.getByRole('button', { name: 'Join', exact: true }).click()
  await sees(second, ['Feeling Good', 'White Gloves', 'Sodade', 'Mohabbat'])
  await first.getByText('Ben').first().waitFor()

  await drag(first, 'Mohabbat', 'Feeling Good')
  await drag(second, 'White Gloves', 'Sodade')
  await Promise.all([first.mouse.up(), second.mouse.up()])
  for (const page of [first, second]) await sees(page, ['Mohabbat', 'Feeling Good', 'Sodade', 'White Gloves'])

  await row(second, 'Sodade').hover()
  await second.getByRole('button', { name: 'Vote for Sodade' }).click()
  await until('the vote is seen', async () => (await row(first, 'Sodade').locator('.score').textContent()) === '1')
  await row(second, 'Sodade').dblclick()
  await second.getByLabel('Say something about it').fill('From Paris, please.')
  await second.keyboard.press('Enter')
  await row(first, 'Sodade').locator('.chat', { hasText: '1' }).click()
  await first.getByText('From Paris, please.').waitFor()

  await row(first, 'Feeling Good').click()
  await first.keyboard.press('Delete')
  await sees(second, ['Mohabbat', 'Sodade', 'White Gloves'])
  await first.getByRole('status').getByRole('button', { name: 'Undo' }).click()
  for (const page of [first, second]) await sees(page, ['Mohabbat', 'Feeling Good', 'Sodade', 'White Gloves'])

  await first.keyboard.press('Escape')
  await first.locator('.tools').getByRole('button', { name: 'People' }).click()
  await first.getByRole('button', { name: 'Remove Ben' }).click()
  await first.getByText('Ben was removed.').waitFor()
  await first.goto(new URL('/#/people', first.url()).href)
  await first.locator('main').getByText('Ben', { exact: true }).waitFor()
  return { complaints: [...first.complaints, ...second.complaints] }
}

export async function lookBack ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await sees(page, ['Second', 'First'])
  await page.locator('.tools').getByRole('button', { name: 'History' }).click()
  await page.locator('aside').getByRole('button', { name: /^See the list after: added/ }).first().click()
  await sees(page, ['First', 'Second', 'Third'])
  assert.equal(await page.getByLabel('Add tracks').count(), 0, 'nothing can be added to the past')
  await page.getByRole('button', { name: 'Back to now' }).click()
  await sees(page, ['Second', 'First'])
  const removed = page.locator('aside li', { hasText: 'removed' })
  await removed.hover()
  await removed.getByRole('button', { name: /^Undo/ }).click()
  await sees(page, ['Second', 'First', 'Third'])
  return page.complaints
}

export async function playing ({ open }, { ada, ben, playlist, folder }) {
  const [first, second] = [await open(ada), await open(ben, { path: `/#/playlist/${playlist}` })]
  await row(second, 'Hum').waitFor()
  await first.goto(new URL('/#/people', first.url()).href)
  await first.getByLabel('Music folder').fill(folder)
  await first.locator('form', { hasText: 'Music folder' }).getByRole('button', { name: 'Save' }).click()
  await first.getByText('2 files found').waitFor()
  await first.goto(new URL(`/#/playlist/${playlist}`, first.url()).href)
  await first.getByRole('button', { name: 'Play Hum' }).click()
  const bar = first.getByRole('region', { name: 'Now playing' })
  await bar.getByText('Hum').waitFor()
  await row(second, 'Hum').getByText('Ada is listening').waitFor({ state: 'attached' })
  assert.equal(await row(second, 'Hum').getByRole('button', { name: 'Play' }).count(), 0, 'Ben has no file')
  await bar.getByText('Buzz').waitFor() // Hum ended, and Silence has no file
  await row(second, 'Buzz').getByText('Ada is listening').waitFor({ state: 'attached' })
  await first.goto(new URL('/#/people', first.url()).href)
  const telling = first.getByLabel('Tell members what I play')
  await telling.uncheck()
  await until('it was taken back', async () => (await second.getByText('Ada is listening').count()) === 0)
  await telling.check()
  await row(second, 'Buzz').getByText('Ada is listening').waitFor({ state: 'attached' })
  await first.getByLabel('Notify me of what friends do').uncheck()
  await first.goto(new URL(`/#/playlist/${playlist}`, first.url()).href)
  await bar.getByRole('button', { name: 'Stop' }).click()
  await bar.waitFor({ state: 'detached' })
  await until('nobody listens any more', async () => (await second.getByText('Ada is listening').count()) === 0)
  await row(first, 'Silence').dblclick()
  const search = await first.getByRole('link', { name: 'Search the web for it' }).getAttribute('rel')
  assert.match(search, /noreferrer/)
  return [...first.complaints, ...second.complaints]
}

// All that Ben's page hears of the node's events is one word, again and again, as after a gap.
export async function missedEvents ({ open }, { ada, ben, playlist, entry }) {
  const first = await open(ada)
  let word = 'resync'
  const second = await open(ben, {
    path: `/#/playlist/${playlist}`,
    prepare: (page) => page.route('**/events', (route) => route.fulfill({
      contentType: 'text/event-stream', body: `retry: 100\nevent: ${word}\ndata: {}\n\n`
    }))
  })
  const play = (request) => first.evaluate(async (request) => {
    await fetch('/v1/presence.set', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(request) })
  }, request)
  await row(second, 'Hum').waitFor()
  await play({ playlist, entry })
  await row(second, 'Hum').getByText('Ada is listening').waitFor({ state: 'attached' })
  word = 'ready'
  await play({})
  await until('nobody listens any more', async () => (await second.getByText('Ada is listening').count()) === 0)
}

// Eight tabs of one browser, of which seven are in the background; every clicked link opens another.
export async function manyTabs ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  const path = page.url()
  const turn = (page, state) => page.evaluate((state) => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state })
    document.dispatchEvent(new Event('visibilitychange'))
  }, state)
  const behind = []
  for (let at = 0; at < 7; at++) {
    const tab = await page.context().newPage()
    await tab.goto(path)
    await row(tab, 'Hum').waitFor()
    await turn(tab, 'hidden')
    behind.push(tab)
  }
  await page.locator('.tools').getByRole('button', { name: 'History' }).click()
  await page.locator('aside').getByText('added').first().waitFor()
  await page.getByLabel('Add tracks').fill('Band – Buzz')
  await page.keyboard.press('Enter')
  await page.locator('aside').getByText('Buzz').waitFor()
  const [tab] = behind
  await row(tab, 'Buzz').waitFor() // documents come by a WebSocket, which counts for itself
  await turn(tab, 'visible')
  await tab.locator('.tools').getByRole('button', { name: 'History' }).click()
  await tab.locator('aside').getByText('Buzz').waitFor()
  return page.complaints
}

// `control` kills Ben's node and starts it again where it was.
export async function friends ({ open, axe }, { ada, control }) {
  const page = await open(ada, { path: '/#/people' })
  const ask = async (word) => { assert.equal((await fetch(`${control}/${word}`)).status, 200) }
  const ben = page.locator('li', { hasText: 'Ben' }).first()
  const stands = (where, words) => page.locator('section', { has: page.getByRole('heading', { name: where }) })
    .locator('li', { hasText: 'Ben' }).locator('.facts', { hasText: words }).waitFor()
  const press = (name) => ben.getByRole('button', { name, exact: true }).click()
  await stands('Around now', 'In sync · same network')
  await press('Disconnect')
  await stands('Away', 'Disconnected by you')
  await press('Connect')
  await stands('Around now', 'In sync')
  await ben.getByText('Details').click()
  await ben.getByText('Noises in sync').waitFor()
  await ben.getByText('handshaken').first().waitFor()
  const found = await axe(page)
  await press('Block')
  await stands('Blocked', 'Blocked')
  await page.getByRole('status').getByRole('button', { name: 'Undo' }).click()
  await stands('Around now', 'In sync')
  await ask('kill')
  await stands('Away', 'seen')
  await ben.getByText('What was tried').click()
  await ben.locator('.problem').getByText('refused: nothing listens there').waitFor()
  await ben.getByRole('button', { name: 'Try again' }).waitFor()
  await ask('start')
  await stands('Around now', 'In sync')
  await page.goto(new URL('/#/network', page.url()).href)
  await page.getByText('Connected to 1 device on this network.').waitFor()
  await page.locator('summary', { hasText: 'Ben' }).click()
  await page.getByText('handshaken').first().waitFor()
  await page.getByRole('row', { name: /^Noise/ }).waitFor()
  found.push(...await axe(page))
  await page.setViewportSize({ width: 360, height: 800 })
  assert.ok(await page.locator('main').evaluate((main) => main.scrollWidth <= main.clientWidth), 'nothing is wider than a phone')
  return { axe: found, complaints: page.complaints }
}

export async function badLink ({ open }, { link, bad }) {
  const page = await open(link)
  await page.goto(new URL(`/#open=${encodeURIComponent(bad)}`, page.url()).href)
  return await page.getByRole('alert').textContent()
}

export async function keyboardOnly ({ open }, { link }) {
  const page = await open(link)
  await page.getByRole('heading', { name: 'Playlists', level: 1 }).waitFor()
  const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key) }
  await press('n')
  await page.locator('dialog input').first().waitFor()
  await page.keyboard.type('Keys')
  await press('Enter')
  await page.getByRole('heading', { name: 'Keys', level: 1 }).waitFor()
  await press('a')
  for (const title of ['One', 'Two', 'Three', 'Four']) {
    await page.keyboard.type(`Band – ${title}`)
    await press('Enter')
    await row(page, title).waitFor()
  }
  for (let at = 0; at < 12 && !(await page.evaluate(() => document.activeElement.matches('[role=row]'))); at++) await press('Tab')
  await press('Alt+ArrowDown')
  await sees(page, ['Two', 'One', 'Three', 'Four'])
  await press('ArrowDown', '+')
  await until('the vote counts', async () => (await row(page, 'Three').locator('.score').textContent()) === '1')
  await press('+', '+', '+', '+')
  await until('the vote counts again', async () => (await row(page, 'Three').locator('.score').textContent()) === '1')
  await page.locator('.side').getByText('Everything is saved').waitFor()
  await press('Shift+ArrowDown', 'Alt+ArrowUp')
  await sees(page, ['Two', 'Three', 'Four', 'One'])
  await press('Delete')
  await sees(page, ['Two', 'One'])
  await press('Control+z')
  await sees(page, ['Two', 'Three', 'Four', 'One'])
  await press('c')
  await page.locator('aside').getByRole('heading', { name: 'Talk' }).waitFor()
  await press('Escape', 'Control+k')
  await page.keyboard.type('take back')
  await press('Enter')
  await sees(page, ['Two', 'One', 'Three', 'Four'])
  await row(page, 'One').focus()
  await press('Enter')
  await page.getByLabel('Artists').waitFor()
  await press('Escape', 'Control+k')
  await page.keyboard.type('netw')
  await press('Enter')
  await page.getByRole('heading', { name: 'Network', level: 1 }).waitFor()
  await press('g', 'p')
  await page.getByRole('heading', { name: 'People', level: 1 }).waitFor()
}

// `control` kills the node and starts it again where it was.
export async function outage ({ open }, { link, playlist, control }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  const ask = async (word) => { assert.equal((await fetch(`${control}/${word}`)).status, 200) }
  await row(page, 'Before').waitFor()
  await page.getByLabel('Add tracks').waitFor() // by then it is known who may edit
  await ask('kill')
  await page.locator('.side').getByText('Reconnecting').waitFor()
  await page.getByLabel('Add tracks').fill('Band – While away')
  await page.keyboard.press('Enter')
  await row(page, 'While away').waitFor()
  await page.locator('.side').getByText('1 change waiting').waitFor()
  await row(page, 'Before').focus()
  for (const key of ['+', '+', 'Delete']) await page.keyboard.press(key)
  await row(page, 'Before').waitFor({ state: 'detached' })
  await page.getByRole('status').getByRole('button', { name: 'Undo' }).click()
  await row(page, 'Before').waitFor()
  await ask('start')
  const began = Date.now()
  await page.locator('.side').getByText('Everything is saved').waitFor()
  const back = Date.now() - began
  await page.getByLabel('Add tracks').fill('Band – Back again')
  await page.keyboard.press('Enter')
  await page.locator('.side').getByText('Everything is saved').waitFor()
  return { back, complaints: page.complaints }
}

// Ben looks, goes elsewhere, and comes back to what Ada did meanwhile; he closes no page.
export async function catchUp ({ open }, { ada, ben, playlist }) {
  const [first, second] = await Promise.all([open(ada, { path: `/#/playlist/${playlist}` }), open(ben, { path: `/#/playlist/${playlist}` })])
  for (const page of [first, second]) await row(page, 'Three').waitFor()
  await until('Ben has seen all there is', async () => (await second.locator('.side .news').count()) === 0)
  await second.goto(new URL('/#/', second.url()).href)

  await first.locator('.tools').getByRole('button', { name: 'More' }).click()
  const tags = first.getByLabel('Tags')
  await tags.fill('slow, night')
  await first.keyboard.press('Enter')
  await first.locator('.head').getByRole('link', { name: 'night' }).waitFor()
  await first.getByRole('button', { name: 'Remove the tag slow' }).click()
  await first.locator('.head').getByRole('link', { name: 'slow' }).waitFor({ state: 'detached' })
  await row(first, 'Two').focus()
  await first.keyboard.press('Alt+ArrowUp')
  await sees(first, ['Two', 'One', 'Three'])
  await row(first, 'One').click()
  await row(first, 'Three').click({ modifiers: ['Control'] })
  await first.getByRole('toolbar', { name: '2 selected' }).waitFor()
  await row(first, 'Three').hover()
  await row(first, 'Three').locator('.grip').click() // a press that does not move anything, not even together
  await drag(first, 'Three', 'Two')
  await row(first, 'Three').getByText('2 tracks').waitFor()
  await first.mouse.up()
  await sees(first, ['One', 'Three', 'Two'])
  await row(first, 'Two').focus()
  await first.keyboard.press('Control+z')
  await sees(first, ['Two', 'One', 'Three'])
  await first.getByRole('button', { name: 'Talk: 0 comments' }).click()
  await first.getByLabel('Say something to everybody').fill('Who brings the speakers?')
  await first.keyboard.press('Enter')
  await row(first, 'Three').focus()
  await first.keyboard.press('+') // a vote is no news

  const card = second.locator('.tile', { hasText: 'Party' })
  await card.getByText('6 new changes').waitFor()
  await second.getByRole('navigation', { name: 'Only playlists with a tag' }).getByRole('link', { name: 'night' }).click()
  await second.locator('.tile', { hasText: 'Other' }).waitFor({ state: 'detached' })
  await card.click()
  await second.getByRole('button', { name: 'Ada: 6 changes since you last looked' }).waitFor()
  await row(second, 'Two').getByText('Changed since you last looked').waitFor({ state: 'attached' })
  assert.equal(await second.getByText('Changed since you last looked').count(), 3, 'the rows that were moved, and back')
  await second.getByRole('button', { name: 'Talk: 1 comment, something new' }).click()
  await second.locator('aside li', { hasText: 'Who brings the speakers?' }).getByText('new', { exact: true }).waitFor()
  await second.getByLabel('Say something to everybody').fill('I do.')
  await second.keyboard.press('Enter')
  await first.locator('aside').getByText('I do.').waitFor()
  await first.keyboard.press('Escape')
  await first.getByRole('button', { name: 'Talk: 2 comments', exact: true }).waitFor()
  await second.keyboard.press('Escape')
  await second.getByRole('button', { name: 'Talk: 2 comments', exact: true }).waitFor()
  await second.goto(new URL('/#/', second.url()).href)
  await card.waitFor()
  assert.equal(await second.locator('.news').count(), 0, 'what was opened is seen')
  await second.keyboard.press('Control+k')
  await second.keyboard.type('night')
  await second.getByRole('option', { name: 'Party' }).waitFor()
  return [...first.complaints, ...second.complaints]
}

// The page is closed while the node is away, and opened again when it is back.
export async function closed ({ open }, { link, playlist, control }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  const ask = async (word) => { assert.equal((await fetch(`${control}/${word}`)).status, 200) }
  await row(page, 'Edited').waitFor()
  await page.getByLabel('Add tracks').waitFor() // by then it is known who may edit
  await ask('kill')
  await page.locator('.side').getByText('Reconnecting').waitFor()
  await page.getByLabel('Add tracks').fill('Band – While away')
  await page.keyboard.press('Enter')
  await row(page, 'Stays').focus()
  for (const key of ['-', '+', 'ArrowDown', 'Delete']) await page.keyboard.press(key)
  await row(page, 'Goes').waitFor({ state: 'detached' })
  await row(page, 'Edited').dblclick()
  await page.getByLabel('Note').fill('from the page')
  await page.getByLabel('Album').click()
  await page.locator('.tools').getByRole('button', { name: 'More' }).click()
  await page.getByLabel('Tags').fill('late')
  await page.keyboard.press('Enter')
  await page.locator('.side').getByText('5 changes waiting').waitFor()
  const { context, url } = { context: page.context(), url: page.url() }
  await page.close({ runBeforeUnload: true })
  await until('the page is closed without a question', () => page.isClosed())
  await ask('start')
  const next = await context.newPage()
  await next.goto(url)
  await row(next, 'While away').waitFor()
  await row(next, 'Goes').waitFor({ state: 'detached' })
  await next.locator('.side').getByText('Everything is saved').waitFor()
  const kept = async () => await next.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('waiting:')))
  await until('nothing is kept any more', async () => (await kept()).length === 0 || kept())
  return { left: await kept(), complaints: page.complaints }
}

// `control` kills the node, which a desktop starts again; it knows whether a track has arrived in the node.
export async function killed ({ open }, { link, playlist, control, times }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  const arrived = async (title) => (await fetch(`${control}/has/${title}`)).status === 200
  const add = async (title) => {
    await page.getByLabel('Add tracks').fill(`Band – ${title}`)
    await page.keyboard.press('Enter')
  }
  const back = []
  for (let round = 0; round < times; round++) {
    await add(`before${round}`)
    await fetch(`${control}/kill`)
    const began = Date.now()
    await add(`away${round}`)
    await until(`the node has away${round}`, () => arrived(`away${round}`), 30_000)
    back.push(Date.now() - began)
  }
  await page.locator('.side').getByText('Everything is saved').waitFor()
  return { back, complaints: page.complaints }
}

export async function longList ({ open }, { link, playlist, count }) {
  const page = await open(link)
  await page.locator('.side').getByText('Everything is saved').waitFor()
  await page.goto(new URL(`/#/playlist/${playlist}`, page.url()).href)
  await page.getByText(`${count.toLocaleString('en')} tracks`).waitFor()
  const frames = await page.evaluate(async () => {
    const scroller = document.querySelector('[data-scroller]')
    const times = []
    await new Promise((resolve) => {
      let last = performance.now()
      const step = (now) => {
        times.push(now - last)
        last = now
        scroller.scrollTop += 180
        if (times.length < 180) requestAnimationFrame(step)
        else resolve()
      }
      requestAnimationFrame(step)
    })
    return times.slice(5)
  })
  frames.sort((left, right) => left - right)
  const rows = await page.locator('[role=row]').count()
  await page.evaluate(() => { document.querySelector('[data-scroller]').scrollTop = 1e9 })
  await page.locator(`[aria-rowindex="${count}"]`).waitFor()
  return { rows, framesPerSecond: 1000 / frames[Math.floor(frames.length / 2)], slowest: frames.at(-1) }
}

export async function firstPaint ({ open }, { link, path }) {
  const page = await open(link)
  await page.locator('.side').getByText('Everything is saved').waitFor()
  await page.goto('about:blank')
  const began = Date.now()
  await page.goto(path)
  await page.locator('[role=row]').first().waitFor()
  return Date.now() - began
}

export async function moveThousands ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await page.getByText('10,000 tracks', { exact: true }).waitFor()
  await page.locator('[aria-rowindex="1"]').click()
  await page.keyboard.press('Control+a')
  await page.evaluate(() => { document.querySelector('[data-scroller]').scrollTop = 5000 * 56 })
  await page.locator('[aria-rowindex="5001"]').click({ modifiers: ['Shift'] }) // rows 1 to 5,001
  await page.evaluate(() => { document.querySelector('[data-scroller]').scrollTop = 0 })
  await page.locator('[aria-rowindex="1"]').click({ modifiers: ['Control'] }) // all of them but the first
  await page.getByRole('toolbar', { name: '5,000 selected' }).waitFor()
  const took = {}
  const timed = async (name, act, isThere) => {
    const began = Date.now()
    await act()
    await until(name, isThere, 60_000)
    took[name] = Date.now() - began
    await page.locator('.side').getByText('Everything is saved').waitFor({ timeout: 60_000 })
    took[`${name}, saved`] = Date.now() - began
  }
  const second = async () => await page.locator('[aria-rowindex="2"] .title').textContent()
  await timed('moved', () => page.getByRole('button', { name: 'To the end' }).click(), async () => (await second()) === 'Track 5001' || second())
  await timed('removed', () => page.locator('.selection').getByRole('button', { name: 'Remove' }).click(),
    async () => (await page.getByText('5,000 tracks', { exact: true }).count()) > 0)
  await timed('back', () => page.getByRole('status').getByRole('button', { name: 'Undo' }).click(),
    async () => (await page.getByText('10,000 tracks', { exact: true }).count()) > 0)
  return took
}
