// Two pages of one browser on one node.

import { row, sees, until } from './scenarios.mjs'

// Both are open before the node dies; one is closed with what it could not send. `control` kills the node and starts it.
export async function handedOver ({ open }, { link, playlist, control }) {
  const first = await open(link, { path: `/#/playlist/${playlist}` })
  const second = await first.context().newPage()
  await second.goto(first.url())
  for (const page of [first, second]) await page.getByLabel('Add tracks').waitFor()
  await fetch(`${control}/kill`)
  for (const page of [first, second]) await page.locator('.side').getByText('Reconnecting').waitFor()
  for (const title of ['One', 'Two']) { // what is kept is kept again: that is one hand-over all the same
    await first.getByLabel('Add tracks').fill(`Band – ${title}`)
    await first.keyboard.press('Enter')
    await row(first, title).waitFor()
    await second.waitForFunction((title) => Object.values(localStorage).some((kept) => kept.includes(title)), title)
  }
  const change = async (page, field, said, next) => {
    await row(page, 'Both').dblclick()
    await page.getByLabel(field).fill(said)
    await page.getByLabel(next).click()
    await page.waitForFunction((said) => Object.values(localStorage).some((kept) => kept.includes(said)), said)
  }
  await change(second, 'Album', 'of the second', 'Note')
  await change(first, 'Album', 'of the first', 'Note')
  await change(first, 'Note', 'of the first too', 'Album')
  await second.evaluate(() => { Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }) })
  await first.close({ runBeforeUnload: true })
  await until('the page is closed without a question', () => first.isClosed())
  await until('the page in the background was asked, and leaves it to another', () => second.evaluate(async () => {
    const { held, pending } = await navigator.locks.query()
    return held.length === 1 && pending.length === 0
  }))
  await second.locator('.side').getByText('1 change waiting').waitFor()
  await second.evaluate(() => {
    delete document.hidden
    document.dispatchEvent(new Event('visibilitychange'))
  })
  await second.locator('.side').getByText('3 changes waiting').waitFor()
  await fetch(`${control}/start`)
  for (const title of ['One', 'Two']) await row(second, title).waitFor()
  await second.locator('.side').getByText('Everything is saved').waitFor()
  const kept = () => second.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('waiting:')))
  await until('nothing is kept any more', async () => (await kept()).length === 0 || kept())
  return first.complaints
}

// A page is closed with what it could not send, and when another opens, its person may not edit any more.
export async function tooLate ({ open }, { link, playlist, control }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  await page.getByLabel('Add tracks').waitFor()
  await fetch(`${control}/kill`)
  await page.locator('.side').getByText('Reconnecting').waitFor()
  await page.getByLabel('Add tracks').fill('Band – Too late')
  await page.keyboard.press('Enter')
  await row(page, 'Goes not').focus()
  await page.keyboard.press('Delete')
  await row(page, 'Renamed').dblclick()
  await page.getByLabel('Note').fill('too late')
  await page.getByLabel('Album').click()
  await page.locator('.side').getByText('3 changes waiting').waitFor()
  const [context, url] = [page.context(), page.url()]
  await page.close({ runBeforeUnload: true })
  await until('the page is closed', () => page.isClosed())
  await fetch(`${control}/start`)
  const next = await context.newPage()
  await next.goto(url)
  await next.getByText('That change was not taken: as viewer of this playlist you cannot change its entries').first().waitFor()
  await next.locator('.side').getByText('Everything is saved').waitFor()
  await sees(next, ['Goes not', 'Renamed'])
  const kept = () => next.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('waiting:')))
  await until('nothing is kept any more', async () => (await kept()).length === 0 || kept())
  return page.complaints
}
