/** The window's size and place outlive the application. Which displays they are held against is test/main/desktop/window/window-place.test.ts. */
import { type Desktop, startDesktop } from '../set-up/desktop.ts'
import { expect, test } from '../set-up/fixtures.ts'

test('the window comes back to where it was', async ({ folder, config, display }) => {
  const boundsOf = ({ application }: Desktop) =>
    application.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.getNormalBounds())
  const first = await startDesktop({ folder, config, display })
  await first.application.firstWindow()
  const place = { x: 40, y: 60, width: 1000, height: 700 }
  await first.application.evaluate(({ BrowserWindow }, bounds) => {
    BrowserWindow.getAllWindows()[0]!.setBounds(bounds)
  }, place)
  await expect.poll(() => boundsOf(first)).toEqual(place)
  await first.application.close()
  const second = await startDesktop({ folder, config, display })
  await second.application.firstWindow()
  expect(await boundsOf(second)).toEqual(place)
  await second.application.close()
})
