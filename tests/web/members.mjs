// What friends do to each other: one is removed and let back in, two write in one field, much is added and taken back.

import assert from 'node:assert/strict'
import { row, sees, until } from './scenarios.mjs'

export async function removed ({ open }, { ada, ben, playlist }) {
  const [first, second] = await Promise.all([ada, ben].map((link) => open(link, { path: `/#/playlist/${playlist}` })))
  for (const page of [first, second]) await sees(page, ['One', 'Two'])
  await first.locator('.tools').getByRole('button', { name: 'People' }).click()
  await first.getByRole('button', { name: 'Remove Ben' }).click()
  const told = second.getByText('Ada says that the owner removed you from this playlist.')
  await told.waitFor()
  await first.getByRole('status').getByRole('button', { name: 'Undo' }).click()
  await told.waitFor({ state: 'detached' })

  await first.getByRole('button', { name: 'Remove Ben' }).click()
  await told.waitFor()
  await second.goto(new URL('/#/people', second.url()).href)
  const ofAda = second.locator('main li', { hasText: 'Ada' }).first()
  await until('nothing is to be caught up with', async () => !/catching up/.test(await ofAda.textContent()))
  await first.getByRole('button', { name: 'Let Ben back in' }).click()
  await until('Ben is in sync', async () => /In sync/.test(await ofAda.textContent()))
  await second.goto(new URL(`/#/playlist/${playlist}`, second.url()).href)
  await second.getByLabel('Add tracks').fill('Band – Three')
  await second.keyboard.press('Enter')
  for (const page of [first, second]) await sees(page, ['One', 'Two', 'Three'])
  return [...first.complaints, ...second.complaints]
}

export async function atOnce ({ open }, { ada, ben, playlist }) {
  const [first, second] = await Promise.all([ada, ben].map((link) => open(link, { path: `/#/playlist/${playlist}` })))
  for (const page of [first, second]) await row(page, 'One').dblclick()
  const title = (page) => page.getByRole('textbox', { name: 'Title' })
  const note = (page) => page.getByRole('textbox', { name: 'Note' })
  await title(first).fill('One, as Ada writes')
  await title(second).fill('One, as Ben has it')
  await note(second).click()
  await row(first, 'One, as Ben has it').waitFor()
  assert.equal(await title(first).inputValue(), 'One, as Ada writes', 'what is being written stays')
  await note(first).click()
  await row(second, 'One, as Ada writes').waitFor()
  await until('Ben sees it in the field too', async () => (await title(second).inputValue()) === 'One, as Ada writes')
  await title(second).fill('One')
  await note(second).click()
  await until('the field that was left follows', async () => (await title(first).inputValue()) === 'One')
  return [...first.complaints, ...second.complaints]
}

export async function pasted ({ open }, { link, playlist }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await sees(page, ['One', 'Two'])
  const many = Array.from({ length: 350 }, (_, n) => `Band – Track ${n}`)
  await page.getByLabel('Add tracks').fill([...many, `Long – ${'long '.repeat(200)}`].join('\n'))
  await page.keyboard.press('Enter')
  await page.getByText('353 tracks', { exact: true }).waitFor()
  await page.locator('.side').getByText('Everything is saved').waitFor()
  await page.locator('h1').click()
  await page.keyboard.press('Control+z')
  await sees(page, ['One', 'Two'])
  assert.equal(await page.getByText('was not taken').count(), 0, 'a line too long is cut, not lost')
  return page.complaints
}

const join = async (page, link) => {
  await page.goto(new URL(`/#open=${encodeURIComponent(link)}`, page.url()).href)
  await page.getByRole('button', { name: 'Join', exact: true }).click()
}

export async function waits ({ open }, { ben, link }) {
  const page = await open(ben)
  await join(page, link)
  await page.getByText('Waiting for a member of this playlist to let you in.').waitFor()
  return page.complaints
}

export async function arrives ({ open }, { ben, playlist, revoked }) {
  const page = await open(ben, { path: `/#/playlist/${playlist}` })
  await sees(page, ['One', 'Two'])
  await join(page, revoked)
  await page.locator('main').getByText('The invite was revoked: ask the owner for a new one.').waitFor()
  await page.getByRole('button', { name: 'Wait no longer' }).click()
  await page.getByRole('heading', { name: 'Playlists', level: 1 }).waitFor()
  return page.complaints
}

export async function deleted ({ open }, { ada, ben, playlist }) {
  const [first, second] = await Promise.all([ada, ben].map((link) => open(link, { path: `/#/playlist/${playlist}` })))
  for (const page of [first, second]) await sees(page, ['One', 'Two'])
  await first.locator('.tools').getByRole('button', { name: 'More' }).click()
  await first.getByRole('button', { name: 'Delete for everybody…' }).click()
  await first.getByRole('button', { name: 'Delete for everybody', exact: true }).click()
  await second.getByText('its owner has deleted it').waitFor()
  await first.getByRole('status').getByRole('button', { name: 'Undo' }).click()
  await sees(second, ['One', 'Two'])
  return [...first.complaints, ...second.complaints]
}
