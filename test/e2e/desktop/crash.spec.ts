/** What dies under the application: its page, and the engine below it. The window lives on, and a run does not even notice. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '../page/driving.ts'
import { compress, compressed, digest, finishSome, openIn } from '../page/running.ts'
import { expect, test } from '../set-up/fixtures.ts'

test('a page that crashed comes back by itself; the run goes on to the same bytes', async ({
  page,
  desktop,
  folder,
}) => {
  const source = await openIn(folder, page, 12, 512)
  await compress(page)
  await finishSome(page)
  const { application } = desktop!
  // Playwright drives the page that died no longer: what comes after is asked of the window itself.
  const evaluate = (script: string): Promise<unknown> =>
    application.evaluate(
      ({ BrowserWindow }, code) => BrowserWindow.getAllWindows()[0]!.webContents.executeJavaScript(code),
      script,
    )
  const crashed = page.waitForEvent('crash')
  await application.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]!.webContents.forcefullyCrashRenderer(),
  )
  await crashed
  await expect
    .poll(
      () => evaluate(`document.querySelector('[data-testid="run"]')?.dataset.run ?? 'none'`).catch(() => 'crashed'),
      patience,
    )
    .toMatch(/running|finished/)
  await expect
    .poll(() => evaluate(`document.querySelector('[data-testid="run"]').dataset.run`), patience)
    .toBe('finished')
  expect(digest(join(folder, 'model.lowrank.safetensors'))).toBe(compressed(source, folder))
  expect(readdirSync(folder).filter((name) => /partial|journal/.test(name))).toEqual([])
})
