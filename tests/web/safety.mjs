// Attacks in a real browser: a page of another site, what hostile members write, and what leaves the page.

import assert from 'node:assert/strict'

// Everything that a page of another site can try at a node, in the browser that is signed in to it.
async function assault ([node, playlist, entry]) {
  const outcome = (promise) => promise.then((said) => `done: ${said}`, (error) => `refused: ${error.name}`)
  const event = (target, good, bad) => new Promise((resolve) => {
    target.addEventListener(good, () => { resolve(`done: ${good}`) })
    target.addEventListener(bad, () => { resolve('refused') })
  })
  const loaded = (tag, url) => {
    const element = Object.assign(document.createElement(tag), { src: url })
    const heard = event(element, tag === 'audio' ? 'loadedmetadata' : 'load', 'error')
    document.body.append(element)
    return heard
  }
  const body = '{"name":"made by another site"}'
  const create = `${node}/v1/playlist.create`
  const play = `${node}/play/${playlist}/${entry}`
  const post = (options) => outcome(fetch(create, { method: 'POST', body, credentials: 'include', ...options }).then((answer) => answer.type))
  const socket = event(new WebSocket(`${node.replace('http', 'ws')}/rxdb`, ['whatnext.rxdb.1.1']), 'open', 'error')
  const events = event(new EventSource(`${node}/events`, { withCredentials: true }), 'ready', 'error')
  const form = Object.assign(document.createElement('form'), { action: create, method: 'post', enctype: 'text/plain', target: 'sink' })
  form.append(Object.assign(document.createElement('input'), { name: '{"name":"by a form","x":"', value: '"}' }))
  document.body.append(Object.assign(document.createElement('iframe'), { name: 'sink' }), form)
  form.submit()
  const said = {
    json: await post({ headers: { 'content-type': 'application/json' } }),
    plain: await post({ headers: { 'content-type': 'text/plain' } }),
    token: await post({ headers: { authorization: 'Bearer guess' } }),
    read: await outcome(fetch(`${node}/v1/status`, { credentials: 'include' }).then((answer) => answer.text())),
    media: await outcome(fetch(play, { credentials: 'include' }).then((answer) => answer.text())),
    socket: await socket,
    events: await events,
    image: await loaded('img', `${node}/metrics`),
    script: await loaded('script', `${node}/openapi.json`),
    page: await loaded('script', `${node}/`),
    audio: await loaded('audio', play)
  }
  await post({ mode: 'no-cors' }) // answers nothing that a page could read; nothing may come of it
  navigator.sendBeacon(create, new Blob([body], { type: 'text/plain' }))
  const frame = Object.assign(document.createElement('iframe'), { src: `${node}/` })
  const framed = new Promise((resolve) => { frame.addEventListener('load', resolve) })
  document.body.append(frame)
  await framed
  return said
}

// `evil` is a server on another port of this host and, as evil.test, a page of another site.
export async function otherSites ({ open }, { link, playlist, entry, evil }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await page.locator('[role=row]').first().waitFor()
  const node = new URL(page.url()).origin
  const said = {}
  for (const [name, site] of [['other host', evil.replace('127.0.0.1', 'evil.test')], ['other port', evil], ['other name', evil.replace('127.0.0.1', 'localhost')]]) {
    const other = await page.context().newPage()
    other.setDefaultTimeout(8000)
    await other.goto(site)
    said[name] = await other.evaluate(assault, [node, playlist, entry])
    said[name].framed = other.frames().some((each) => each.url() === `${node}/`) ? 'done' : 'refused'
    await other.close()
  }
  const rebound = await page.context().newPage()
  const answers = []
  for (const path of ['/', '/v1/status', `/play/${playlist}/${entry}`]) {
    answers.push((await rebound.goto(node.replace('127.0.0.1', 'evil.test') + path)).status())
  }
  return { said, rebound: answers }
}

// A page signs in by a link, and the user clicks a link that a friend gave a track.
export async function leavingTraces ({ open }, { link, playlist }) {
  const page = await open('about:blank')
  const referers = []
  page.context().on('request', (request) => { referers.push([request.url(), request.headers().referer ?? '']) })
  await page.goto(link)
  await page.locator('main').waitFor()
  const once = new URL(link).searchParams.get('once')
  const seen = await page.evaluate(() => [
    location.href, document.referrer, document.cookie, JSON.stringify({ ...localStorage, ...sessionStorage }),
    ...performance.getEntries().map((entry) => entry.name)
  ])
  assert.deepEqual(seen.filter((each) => each.includes(once)), [], 'the page knows nothing of its link')
  assert.equal(seen[2], '', 'no script reads the cookie')
  const [cookie, ...others] = await page.context().cookies()
  assert.deepEqual(others, [])
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path, cookie.domain], [true, 'Strict', '/', '127.0.0.1'])
  await page.goto(new URL(`/#/playlist/${playlist}`, page.url()).href)
  await page.locator('[role=row]').first().dblclick()
  const [opened] = await Promise.all([page.context().waitForEvent('page'), page.locator('aside .links a').click()])
  await opened.waitForLoadState()
  assert.equal(await opened.evaluate(() => window.opener), null)
  assert.equal(await opened.evaluate(() => document.referrer), '')
  assert.deepEqual(referers.filter(([, referer]) => referer !== ''), [], 'no address of ours is told to anybody')
  await page.goBack()
  await page.goBack()
  assert.ok(!page.url().includes('once'), 'the way back does not lead over the link')
  const again = await page.context().newPage()
  assert.equal((await again.goto(link)).status(), 401)
}

async function looked (page, where) {
  const found = await page.evaluate(() => ({
    pwned: window.pwned,
    wider: document.documentElement.scrollWidth > innerWidth,
    bad: [...document.querySelectorAll('a')].filter((link) => !['http:', 'https:'].includes(link.protocol)).map((link) => link.href),
    loose: [...document.querySelectorAll('a')].filter((link) => link.origin !== location.origin && !(link.rel.includes('noopener') && link.rel.includes('noreferrer'))).map((link) => link.href),
    made: document.querySelectorAll('main script, main img[src^=x], main iframe, main object, main style, aside script, aside img[src^=x], svg [onload]').length,
    // An override that is not closed turns round the words after it, as far as its box goes.
    turned: [...document.querySelectorAll('body *')].filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && /[\u202a-\u202e\u2066-\u2069]/.test(node.data)) &&
      getComputedStyle(each).display === 'inline' && getComputedStyle(each).unicodeBidi === 'normal').map((each) => each.outerHTML.slice(0, 160)),
    names: [...document.querySelectorAll('body *')].flatMap((each) => [...each.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data).concat(each.ariaLabel ?? '', each.title ?? ''))
      .filter((said) => /Mallory[^<]*[\u202a-\u202e\u2066-\u2069]/.test(said)).map((said) => said.slice(0, 80))
  }))
  assert.deepEqual(found, { pwned: undefined, wider: false, bad: [], loose: [], made: 0, turned: [], names: [] }, where)
}

export async function hostileMember ({ open }, { link, playlist, width }) {
  const page = await open(link, { viewport: { width, height: 800 } })
  page.on('dialog', (dialog) => { page.complaints.push(`dialog ${dialog.message()}`) })
  await page.locator('.tile').first().waitFor()
  await looked(page, 'home')
  await page.goto(new URL(`/#/playlist/${playlist}`, page.url()).href)
  await page.locator('[role=row]').nth(3).waitFor()
  await looked(page, 'playlist')
  for (const label of ['What next?', 'History', 'People', 'More']) {
    await page.locator('.tools').getByRole('button', { name: label }).click()
    await page.locator('aside').waitFor()
    await page.waitForTimeout(100)
    await looked(page, label)
    await page.keyboard.press('Escape')
  }
  const rows = await page.locator('[role=row]').count()
  for (let at = 0; at < rows; at++) {
    await page.locator('[role=row]').nth(at).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Artists').waitFor()
    await looked(page, `track ${at}`)
  }
  for (const name of ['people', 'network']) {
    await page.goto(new URL(`/#/${name}`, page.url()).href)
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.waitForTimeout(150)
    await looked(page, name)
  }
  await page.keyboard.press('Control+k')
  await page.keyboard.type('o')
  await page.waitForTimeout(150)
  await looked(page, 'palette')
  return page.complaints
}
