// Playing the user's own files, of the formats that people have.

import assert from 'node:assert/strict'

const row = (page, title) => page.locator('[role=row]', { hasText: title })

async function at (page, seconds) {
  await page.waitForFunction((seconds) => Number(document.querySelector('section.bar input[type=range]')?.value ?? 0) >= seconds, seconds)
}

export async function formats ({ open }, { link, playlist, titles, long }) {
  const page = await open(link, { path: `/#/playlist/${playlist}` })
  const bar = page.getByRole('region', { name: 'Now playing' })
  await page.getByRole('button', { name: `Play ${titles[0]}` }).click()
  for (const title of titles) { // each ends, and the next begins by itself
    await bar.locator('.what', { hasText: title }).waitFor()
    await at(page, 0.3)
  }
  await bar.locator('.what', { hasText: long }).waitFor()
  await at(page, 0.2)
  await bar.getByRole('slider').fill('27')
  await at(page, 28) // by whole seconds
  await page.evaluate(async ([playlist, entry]) => {
    const answer = await fetch('/v1/playlist.remove', { method: 'POST', body: JSON.stringify({ playlist, entries: [entry] }) })
    if (!answer.ok) throw new Error(await answer.text())
  }, [playlist, (await row(page, long).getAttribute('data-id')).split(':')[1]])
  await row(page, long).waitFor({ state: 'detached' })
  assert.equal(await bar.count(), 1, 'a track that a friend removes plays on')
  await bar.locator('.what:not(:has-text("' + long + '"))').waitFor()
  assert.match(await bar.locator('.what').textContent(), /After/, 'and then comes what came after it')
  await at(page, 0.2)
  return page.complaints
}
