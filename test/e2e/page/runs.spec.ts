/** A run can be paused, cancelled, interrupted and resumed, and what it writes stays what the command line writes. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { expectAccessible } from './accessible.ts'
import { clipboardText, commandLine, download, patience, setAdvanced } from './driving.ts'
import {
  cancelRun,
  compress,
  compressed,
  digest,
  finishSome,
  holdRun,
  openIn,
  runLine,
  saved,
  slow,
  slowly,
} from './running.ts'

const output = 'model.lowrank.safetensors'

test('a held run stands still and goes on to the same bytes', async ({ page, folder }) => {
  const source = await openIn(folder, page, 12, 512)
  await compress(page)
  await finishSome(page)
  await holdRun(page)
  const line = runLine(page)
  await expect(line).toContainText('Paused')
  // The word reaches the kernels a moment later than the page; after that nothing moves.
  await page.waitForTimeout(1000)
  const standing = await line.textContent()
  await page.waitForTimeout(1500)
  expect((await line.textContent())?.replace(/[\d.]+.[kMG]B memory/, '')).toBe(
    standing?.replace(/[\d.]+.[kMG]B memory/, ''),
  )
  await line.getByRole('button', { name: 'Continue' }).click()
  await saved(page)
  expect(digest(join(folder, output))).toBe(compressed(source, folder))
})

test('a cancelled run that was kept is resumed, also by another page, to the same bytes', async ({ page, folder }) => {
  const source = await openIn(folder, page, 12, 512)
  await slowly(page)
  await compress(page)
  await finishSome(page)
  await cancelRun(page, 'Keep for later')
  await expect(runLine(page)).toContainText(/Cancelled: .* finished tensors? (is|are) kept\./)
  await page.reload()
  await page.getByRole('button', { name: 'History', exact: true }).click()
  const row = page.getByTestId('history-row')
  await expect(row).toContainText('Cancelled')
  await row.getByRole('button', { name: 'Resume' }).click()
  await expect(row.filter({ hasText: 'Cancelled' })).toHaveCount(0)
  await expect(row).toHaveAttribute('data-run', 'finished', patience)
  expect(digest(join(folder, output))).toBe(compressed(source, folder, ...slow))
  expect(readdirSync(folder).filter((name) => /partial|journal/.test(name))).toEqual([])
})

test('a run whose engine was killed says so and is resumed', async ({ page, folder, engines }) => {
  const source = await openIn(folder, page, 12, 512)
  const before = await engines()
  await compress(page)
  await finishSome(page)
  const started = (await engines()).filter((pid) => !before.includes(pid))
  expect(started).toHaveLength(1)
  const line = runLine(page)
  // A question about a run that ends meanwhile says so, and stays until it is closed.
  await line.getByRole('button', { name: 'Cancel' }).click()
  const question = page.getByRole('dialog')
  await expect(question).toContainText(/Keep the \d+ finished/)
  process.kill(started[0]!, 'SIGKILL')
  await expect(question).toContainText('This run has already ended', patience)
  await question.getByRole('button', { name: 'Close' }).last().click()
  await expect(question).toHaveCount(0)
  await expect(line).toHaveAttribute('data-run', /failed|interrupted/, patience)
  await expect(line.getByRole('alert')).toContainText(/finished tensors? (is|are) kept\./)
  await line.getByRole('button', { name: 'Resume' }).click()
  await saved(page)
  expect(digest(join(folder, output))).toBe(compressed(source, folder))
  expect(readdirSync(folder).filter((name) => /partial|journal/.test(name))).toEqual([])
})

test(
  'a run that one window goes on with is the same one in another, which has no dead entry to press',
  loopbackOnly,
  async ({ page, folder, server }) => {
    await openIn(folder, page, 12, 512)
    const other = await page.context().newPage()
    await other.goto(server!.url)
    await slowly(page)
    await compress(page)
    await finishSome(page)
    await cancelRun(page, 'Keep for later')
    const there = other.getByTestId('run')
    await expect(there).toContainText(/Cancelled: .* kept\./, patience)
    await runLine(page).getByRole('button', { name: 'Resume' }).click()
    await saved(page)
    await expect(there).toHaveCount(1)
    await expect(there).toHaveAttribute('data-run', 'finished')
    await other.getByRole('button', { name: 'History', exact: true }).click()
    await expect(other.getByTestId('history-row')).toHaveCount(1)
    await other.close()
  },
)

test('a recipe saved in the page replays on the command line to the same bytes, and the other way round', async ({
  page,
  folder,
}) => {
  test.slow()
  const source = await openIn(folder, page, 2, 512)
  // From the command line into the page: patterns, a goal, another output.
  const file = join(folder, 'small.recipe.json')
  const flags = ['--goal-error', '0.3', '--include', '*.mlp.*', '--include', 'model.embed_tokens.weight']
  const expected = compressed(source, folder, ...flags, '--exclude', '*.1.*', '--seed', '7', '--save-recipe', file)
  await page.getByTestId('recipe').setInputFiles(file)
  await expect(page.getByRole('checkbox', { name: 'Compress model.embed_tokens.weight' })).toBeChecked()
  await expect(page.getByRole('checkbox', { name: /layers\.0\.self_attn\.q_proj/ })).not.toBeChecked()
  await expect(page.getByText(/^4 of \d+ ticked$/)).toBeVisible()
  await setAdvanced(page, 'Threads', 1)
  // A goal has to know what it comes to first.
  await expect(page.getByRole('button', { name: 'Compress…' })).toBeEnabled(patience)
  await compress(page, 'replayed.safetensors')
  await saved(page)
  expect(digest(join(folder, 'replayed.safetensors'))).toBe(expected)

  // And back: what the page saves is the same file, and gives the same bytes on any number of threads and in less memory.
  await runLine(page)
    .getByRole('button', { name: /^More about/ })
    .click()
  const recipe = await download(page, 'Save recipe')
  expect(recipe.name).toBe('replayed.recipe.json')
  expect(recipe.bytes.toString()).toBe(readFileSync(file, 'utf8'))
  const kept = join(folder, 'saved.recipe.json')
  writeFileSync(kept, recipe.bytes)
  for (const threads of ['1', '2'])
    for (const limit of ['0', '1MB'])
      expect(
        compressed(source, folder, '--recipe', kept, '--threads', threads, '--memory-limit', limit),
        `${threads} threads, limit ${limit}`,
      ).toBe(expected)
})

test('what is no recipe is a sentence, and a tick on top of a recipe is one more rule', async ({ page, folder }) => {
  await openIn(folder, page, 1, 256)
  const file = join(folder, 'cat.json')
  writeFileSync(file, '{"cat": true}')
  await page.getByTestId('recipe').setInputFiles(file)
  await expect(page.getByRole('alert')).toContainText('cat.json is no recipe of this version.')
  await page.getByRole('button', { name: 'Rules' }).click()
  const include = page.getByRole('textbox', { name: 'Compress only' })
  await include.fill('*.self_attn.*')
  await include.blur()
  await expect(page.getByText('4 tensors chosen')).toBeVisible()
  await page.getByRole('checkbox', { name: /self_attn\.v_proj/ }).uncheck()
  await expect(page.getByRole('textbox', { name: 'Keep as they are' })).toHaveValue(
    'model.layers.0.self_attn.v_proj.weight',
  )
  await expect(include).toHaveValue('*.self_attn.*')
  await page.getByRole('checkbox', { name: /self_attn\.v_proj/ }).check()
  await expect(page.getByRole('textbox', { name: 'Keep as they are' })).toHaveValue('')
})

test('the copied command does what the page did', async ({ page, folder }) => {
  const source = await openIn(folder, page, 1, 256)
  await page.getByRole('checkbox', { name: /mlp\.up_proj/ }).uncheck()
  await setAdvanced(page, 'Seed', 9)
  await compress(page)
  await saved(page)
  await runLine(page)
    .getByRole('button', { name: /^More about/ })
    .click()
  await page.getByRole('menuitem', { name: 'Copy CLI command' }).click()
  await expect(page.getByRole('menuitem', { name: 'Copied' })).toBeVisible()
  const command = await clipboardText(page)
  // As this installation is called, with whole paths; from here on it is what the tests call too.
  const rest = '--seed 9 --exclude model.layers.0.mlp.up_proj.weight'
  expect(command.endsWith(` compress ${source} --out ${join(folder, output)} ${rest}`), command).toBe(true)
  const out = join(folder, 'again.safetensors')
  commandLine('compress', source, '--out', out, ...rest.split(' '))
  expect(digest(out)).toBe(digest(join(folder, output)))
  await page.getByRole('menuitem', { name: 'Copy Python snippet' }).click()
  expect(await clipboardText(page)).toContain(`load_file("${join(folder, output)}")`)
})

test('axe finds nothing on runs and their history @loopback', async ({ page, folder }) => {
  test.slow()
  await openIn(folder, page, 12, 512)
  await page.getByRole('button', { name: 'Rules' }).click()
  await page.getByText('Size', { exact: true }).first().click()
  await expectAccessible(page, 'rules and a size')
  await page.getByText('Rank', { exact: true }).first().click()
  await compress(page)
  await finishSome(page)
  await holdRun(page)
  await expectAccessible(page, 'a held run')
  await runLine(page).getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByRole('dialog')).toContainText(/Keep the \d+ finished/)
  await expectAccessible(page, 'the question')
  await page.getByRole('dialog').getByRole('button', { name: 'Keep for later' }).click()
  await expect(runLine(page)).toHaveAttribute('data-run', 'cancelled', patience)
  await expectAccessible(page, 'a cancelled run')
  await page.getByRole('button', { name: 'History', exact: true }).click()
  await page.getByRole('button', { name: /^More about/ }).click()
  await expect(page.getByRole('menu')).toBeVisible()
  await expectAccessible(page, 'history and its menu')
})
