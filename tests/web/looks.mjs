// What the eye follows: rows that glide, pages that do not jump, and what must be in sight.

import assert from 'node:assert/strict'

// Watches one row in every frame, from here on.
const watch = (page, id) => page.evaluate((id) => {
  window.tops = []
  const look = () => {
    window.tops.push(Math.round(document.querySelector(`[data-id$="${id}"]`).getBoundingClientRect().top))
    if (window.tops.length < 300) requestAnimationFrame(look)
  }
  look()
}, id)

const ask = (page, operation, request) => page.evaluate(async ([operation, request]) => {
  const answer = await fetch(`/v1/${operation}`, { method: 'POST', body: JSON.stringify(request) })
  if (!answer.ok) throw new Error(await answer.text())
}, [operation, request])

/** Where the row was seen on its way from the end of a list to its top: each place once. */
export async function glides ({ open }, { link, playlist, entry, reducedMotion }) {
  const page = await open(link, { path: `/#/playlist/${playlist}`, reducedMotion })
  await page.locator(`[data-id$="${entry}"]`).waitFor()
  await page.waitForTimeout(500)
  await watch(page, entry)
  await ask(page, 'playlist.move', { playlist, entries: [entry], to: 1 })
  await page.locator(`[data-id$="${entry}"][aria-rowindex="1"]`).waitFor()
  await page.waitForTimeout(500)
  return await page.evaluate(() => window.tops.filter((top, at) => top !== window.tops[at - 1]))
}

/** How far the layout jumped on each page that was just opened, and when a panel came. */
export async function jumps ({ open }, { link, playlist, width }) {
  const found = {}
  const prepare = (page) => page.addInitScript(() => {
    window.jumped = 0
    new PerformanceObserver((all) => { for (const each of all.getEntries()) window.jumped += each.hadRecentInput ? 0 : each.value })
      .observe({ type: 'layout-shift', buffered: true })
  })
  const first = await open(link, { prepare, viewport: { width, height: 800 } })
  const base = first.url()
  for (const path of ['/#/', `/#/playlist/${playlist}`, '/#/people', '/#/network']) {
    const page = await first.context().newPage()
    await prepare(page)
    await page.goto(new URL(path, base).href)
    await page.locator('h1').waitFor()
    await page.waitForTimeout(800)
    if (path.includes(playlist)) {
      await page.locator('.tools').getByRole('button', { name: 'People' }).click()
      await page.waitForTimeout(700)
    }
    found[path.replace(playlist, '')] = await page.evaluate('window.jumped')
  }
  return found
}

/** In a low window the invite's code is in sight as soon as it is made, and only list and panel scroll. */
export async function inviteInSight ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}`, viewport: { width: 1240, height: 420 } })
  await page.getByRole('button', { name: 'Invite', exact: true }).click()
  await page.getByRole('button', { name: 'Make a link' }).click()
  const code = page.getByRole('img', { name: 'The invite as a QR code' })
  await code.waitFor()
  await page.waitForTimeout(400)
  const box = await code.boundingBox()
  assert.ok(box.y >= 0 && box.y + box.height <= 420, `the code is in sight, not at ${JSON.stringify(box)}`)
  const over = await page.evaluate(() => ['main', 'html'].map((name) => {
    const { scrollTop, scrollHeight, clientHeight } = document.querySelector(name)
    return scrollTop + scrollHeight - clientHeight
  }))
  assert.deepEqual(over, [0, 0], 'nothing around list and panel scrolls')
}

/** Joining while nobody who could let one in is there: the page says so, and goes on saying it. */
export async function joinsNobody ({ open }, { link, invite, name }) {
  const page = await open(link)
  await page.getByRole('button', { name: 'Join with a link' }).last().click()
  await page.getByLabel('Paste a WhatNext link').fill(invite)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('button', { name: 'Join', exact: true }).click()
  await page.getByText('Waiting for a member of this playlist to let you in.').waitFor()
  await page.goto(new URL('/#/', page.url()).href)
  await page.getByText('Waiting for a member to let you in').waitFor()
  assert.equal(await page.getByText('Your first playlist').count(), 0, `${name} waits for a playlist`)
}

/** On a phone a name of any length leaves room for the list, and can be read whole; its height in pixels. */
export async function longName ({ open }, { link, playlist, name }) {
  const page = await open(link, { path: `/#/playlist/${playlist}`, viewport: { width: 390, height: 844 } })
  const heading = page.locator('h1')
  await heading.waitFor()
  assert.equal(await heading.getAttribute('title'), name)
  return (await heading.boundingBox()).height
}

/** What the history offers to undo. */
export async function offersUndo ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await page.locator('.tools').getByRole('button', { name: 'History' }).click()
  await page.getByText('invited as editor').waitFor()
  return await page.getByRole('button', { name: /^Undo/ }).evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')))
}
