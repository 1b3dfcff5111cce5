// Two friends whose devices lose each other: both go on, both pages say so, and then they agree.

import assert from 'node:assert/strict'
import { row, sees, titles, until } from './scenarios.mjs'

// `control` cuts the devices off from each other, and lets them meet again.
export async function apart ({ open }, { ada, ben, playlist, control }) {
  const ask = async (word) => { assert.equal((await fetch(`${control}/${word}`)).status, 200) }
  const [first, second] = await Promise.all([ada, ben].map((link) => open(link, { path: `/#/playlist/${playlist}` })))
  for (const page of [first, second]) await sees(page, ['One', 'Two', 'Three'])
  const friends = await first.context().newPage()
  await friends.goto(new URL('/#/people', first.url()).href)
  const ofBen = friends.locator('main li', { hasText: 'Ben' }).first()
  await until('Ada sees that Ben is in sync', async () => /in sync/i.test(await ofBen.textContent()))

  await ask('cut')
  await until('Ada sees that Ben is gone', async () => !/in sync/i.test(await ofBen.textContent()))
  await first.getByLabel('Add tracks').fill('Band – From Ada')
  await first.keyboard.press('Enter')
  await second.getByLabel('Add tracks').fill('Band – From Ben')
  await second.keyboard.press('Enter')
  await row(first, 'One').focus()
  await first.keyboard.press('Alt+ArrowDown')
  await row(second, 'Three').focus()
  await second.keyboard.press('Delete')
  await sees(first, ['Two', 'One', 'Three', 'From Ada'])
  await sees(second, ['One', 'Two', 'From Ben'])
  for (const page of [first, second]) await page.locator('.side').getByText('Everything is saved').waitFor()

  await ask('heal')
  await until('both pages show one list with what both did', async () => {
    const [hers, his] = await Promise.all([titles(first), titles(second)])
    const all = [...hers].sort().join() === 'From Ada,From Ben,One,Two' && hers.indexOf('Two') < hers.indexOf('One')
    return (all && hers.join() === his.join()) || [hers, his]
  }, 30_000)
  await until('Ada sees that Ben is back in sync', async () => /in sync/i.test(await ofBen.textContent()))
  return [...first.complaints, ...second.complaints]
}
