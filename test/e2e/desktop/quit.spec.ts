/** Quitting while a run is at work: it is asked about, and neither answer loses a finished tensor. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { patience } from '../page/driving.ts'
import { compress, compressed, digest, finishSome, openIn, runLine, saved } from '../page/running.ts'
import { type Desktop, startDesktop } from '../set-up/desktop.ts'
import { enterThrough } from '../set-up/doors.ts'
import { expect, test } from '../set-up/fixtures.ts'

const output = 'model.lowrank.safetensors'

const [keepRunning, quit] = [0, 1] as const

/** Closes the window as its user does, and answers the question with this button. */
async function closeWindow({ application }: Desktop, button: 0 | 1): Promise<void> {
  await application.evaluate(({ BrowserWindow, dialog }, response) => {
    dialog.showMessageBoxSync = () => response
    dialog.showMessageBox = async () => ({ response, checkboxChecked: false })
    BrowserWindow.getAllWindows()[0]!.close()
  }, button)
}

test('who keeps running keeps window and run, to the same bytes', async ({ page, desktop, folder }) => {
  const source = await openIn(folder, page, 12, 512)
  await compress(page)
  await finishSome(page)
  await closeWindow(desktop!, keepRunning)
  await expect(runLine(page)).toHaveAttribute('data-run', 'running')
  // Asked again at the end, should the run still be at work then.
  await desktop!.application.evaluate(({ dialog }) => {
    dialog.showMessageBoxSync = () => 1
    dialog.showMessageBox = async () => ({ response: 1, checkboxChecked: false })
  })
  await saved(page)
  expect(digest(join(folder, output))).toBe(compressed(source, folder))
})

test('who quits finds the finished tensors kept, and the next start resumes to the same bytes', async ({
  folder,
  config,
  display,
}) => {
  test.slow()
  const first = await startDesktop({ folder, config, display })
  const page = await first.application.firstWindow()
  enterThrough(page, first)
  const source = await openIn(folder, page, 12, 512)
  await compress(page)
  await finishSome(page)
  const ended = new Promise((resolve) => first.application.process().once('exit', resolve))
  await closeWindow(first, quit)
  expect(await ended).toBe(0)
  expect(readdirSync(folder).sort()).toEqual(
    [`${output}.journal.partial`, `${output}.partial`, 'model.safetensors'].sort(),
  )

  const second = await startDesktop({ folder, config, display })
  const again = await second.application.firstWindow()
  await expect(runLine(again)).toContainText(/was interrupted.*finished tensors? (is|are) kept/, patience)
  await runLine(again).getByRole('button', { name: 'Resume' }).click()
  await saved(again)
  expect(digest(join(folder, output))).toBe(compressed(source, folder))
  await second.application.close()
})
