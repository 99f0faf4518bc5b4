/** Every run is listed, whoever made it, for as long as nobody strikes it. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, loopbackOnly, test } from '../set-up/fixtures.ts'
import { root, serveProcess } from '../set-up/serving.ts'
import { browse, download, patience, readError, resize } from './driving.ts'
import { cancelRun, compress, compressed, digest, finishSome, openIn, saved, slowly } from './running.ts'

const toHistory = { name: 'History', exact: true } as const

test('an empty history says what it is for', async ({ page }) => {
  await page.getByRole('button', toHistory).click()
  await expect(page.getByText('Every run is listed here')).toBeVisible()
})

test('a run stays in the history over a reload, with its report, recipe and settings', async ({ page, folder }) => {
  const source = await openIn(folder, page, 1, 256)
  await page.getByRole('textbox', { name: 'Rank', exact: true }).fill('20')
  await page.getByRole('checkbox', { name: /mlp\.up_proj/ }).uncheck()
  await compress(page)
  await saved(page)
  await page.reload()
  await page.getByRole('button', toHistory).click()
  const row = page.getByTestId('history-row')
  await expect(row).toContainText(/model\.safetensors.*model\.lowrank\.safetensors.*Rank 20 · factors/)
  await row.getByRole('button', { name: 'Details' }).click()
  await expect(page.getByRole('dialog').getByRole('row', { name: /down_proj/ })).toContainText('20')
  // Where it is, and how it is used from here: whole paths, which the host has said.
  const output = join(folder, 'model.lowrank.safetensors')
  await expect(page.getByTestId('run-path')).toHaveText(output)
  await expect(page.getByTestId('run-verify')).toContainText(`load_file(${JSON.stringify(output)})`)
  await expect(page.getByTestId('run-verify')).toContainText(`load_file(${JSON.stringify(source)})`)
  await expect(page.getByTestId('run-verify')).toContainText(/# GhostSVD measured 0\.\d{6} for model\./)
  await expect(page.getByTestId('run-verify')).toContainText(/# GhostSVD measured 0\.\d{6} for the model/)
  await page.getByRole('tab', { name: 'Run it again from a terminal' }).click()
  await expect(page.getByTestId('run-command')).toContainText(` compress ${source} --out ${output} --rank 20`)
  // Reasons are there to be read, in a small window and without a mouse.
  await resize(page, 960, 640)
  const details = page.getByRole('dialog').getByRole('region', { name: 'Details' })
  expect(await details.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)).toBe(0)
  const reason = details.getByText('Left out by the rule')
  await reason.scrollIntoViewIfNeeded()
  expect((await reason.boundingBox())!.width).toBeGreaterThan(200)
  await resize(page, 1280, 800)
  await page.keyboard.press('Escape')

  const more = row.getByRole('button', { name: /^More about/ })
  const save = async (item: string) => {
    await more.click()
    const { name, bytes } = await download(page, item)
    return { name, text: bytes.toString() }
  }
  const json = await save('Save report (JSON)')
  expect(json.name).toBe('model.lowrank.report.json')
  expect(JSON.parse(json.text)).toMatchObject({ report: 1, output: 'model.lowrank.safetensors', recipe: { recipe: 1 } })
  const csv = await save('Save report (CSV)')
  const flags = ['--rank', '20', '--exclude', 'model.layers.0.mlp.up_proj.weight']
  const report = join(folder, 'report.csv')
  compressed(source, folder, ...flags, '--report', report)
  expect(csv.text).toBe(await readFile(report, 'utf8'))

  // After a reload the page is back at its defaults: the run's source is opened, with the run's settings.
  await more.click()
  await page.getByRole('menuitem', { name: 'Run again with its settings…' }).click()
  await expect(page.getByRole('textbox', { name: 'Rank', exact: true })).toHaveValue('20')
  await expect(page.locator('.notices')).toContainText(
    /wrote model\.lowrank\.safetensors, with a model error of [\d.]+.%/,
  )
  await expect(page.getByRole('checkbox', { name: /mlp\.up_proj/ })).not.toBeChecked()

  await page.getByRole('button', toHistory).click()
  await more.click()
  await page.getByRole('menuitem', { name: 'Remove from the list' }).click()
  await expect(row).toHaveCount(0)
  // Outputs never go with an entry.
  expect(await readdir(folder)).toContain('model.lowrank.safetensors')
})

test('a run of the command line is followed while it is at work', loopbackOnly, async ({ browser, folder }) => {
  const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
  const server = await serveProcess([folder], config)
  const page = await browser.newPage()
  await page.goto(server.url)
  const source = await openIn(folder, page, 12, 512)
  // An exact SVD by rotations takes its time.
  const flags = ['--method', 'exact', '--exact-route', 'jacobi', '--out', join(folder, 'by-command-line.safetensors')]
  const cli = spawn(process.execPath, [`${root}out/main/cli.js`, 'compress', source, ...flags], {
    env: { ...process.env, GHOSTSVD_CONFIG: config },
    stdio: 'ignore',
  })
  const ended = new Promise((resolve) => cli.on('exit', resolve))
  // Whoever looks at the history before it has begun does not see it.
  await expect(async () => {
    await page.reload()
    await page.getByRole('button', toHistory).click()
    await expect(page.getByTestId('run')).toContainText('by-command-line.safetensors', { timeout: 2000 })
  }).toPass(patience)
  await page.getByTestId('run').getByRole('button', { name: 'Pause' }).click()
  await expect(page.getByRole('alert')).toContainText('is being written by another process')
  cli.kill('SIGINT')
  await ended
  await expect(page.getByTestId('history-row')).toContainText(/by-command-line.*(Cancelled|Interrupted)/, patience)
  await page.close()
  await server.stop()
  await rm(config, { recursive: true, force: true })
})

test(
  'a host that was killed leaves a run that the next one goes on with; the command line is listed too',
  loopbackOnly,
  async ({ browser, folder }) => {
    test.slow()
    const config = await mkdtemp(join(tmpdir(), 'ghostsvd-config-'))
    const first = await serveProcess([folder], config)
    const page = await browser.newPage()
    await page.goto(first.url)
    const source = await openIn(folder, page, 12, 512)
    await compress(page)
    await finishSome(page)
    first.process.kill('SIGKILL')
    await first.stop()
    // Nobody would hear what is pressed.
    await expect(page.getByTestId('run')).toContainText('last known state')
    for (const name of ['Pause', 'Cancel'])
      await expect(page.getByTestId('run').getByRole('button', { name })).toBeDisabled()

    const byCommand = join(folder, 'by-command-line.safetensors')
    const cli = spawnSync(process.execPath, [`${root}out/main/cli.js`, 'compress', source, '--out', byCommand], {
      env: { ...process.env, GHOSTSVD_CONFIG: config },
    })
    expect(cli.status).toBe(0)

    const second = await serveProcess([folder], config)
    await page.goto(second.url)
    // The strip offers it unasked.
    await expect(page.getByTestId('run')).toContainText(/was interrupted.*finished tensors? (is|are) kept/, patience)
    await page.getByRole('button', toHistory).click()
    const rows = page.getByTestId('history-row')
    await expect(rows).toHaveCount(2)
    await expect(rows.first()).toContainText('by-command-line.safetensors')
    await expect(rows.last()).toHaveAttribute('data-run', 'interrupted')
    await rows.last().getByRole('button', { name: 'Resume' }).click()
    await expect(page.locator('[data-testid="history-row"][data-run="finished"]')).toHaveCount(2, patience)
    expect(digest(join(folder, 'model.lowrank.safetensors'))).toBe(digest(byCommand))

    // Finished tensors that wait are not lost without a question.
    await page.getByRole('button', { name: 'Back' }).click()
    await browse(page, 'model.safetensors')
    await readError(page)
    await slowly(page)
    await compress(page, 'third.safetensors')
    await finishSome(page)
    await cancelRun(page, 'Keep for later')
    await page.getByRole('button', toHistory).click()
    const third = rows.filter({ hasText: 'third.safetensors' })
    await third.getByRole('button', { name: /^More about/ }).click()
    await page.getByRole('menuitem', { name: 'Remove from the list' }).click()
    await expect(page.getByRole('dialog')).toContainText(/Discard the \d+ finished tensors?\?/)
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click()
    await expect(third).toHaveCount(0)
    expect((await readdir(folder)).filter((name) => name.startsWith('third'))).toEqual([])
    await page.close()
    await second.stop()
    await rm(config, { recursive: true, force: true })
  },
)
