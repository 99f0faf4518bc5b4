/** The short form of `npm run stress:power`: the power goes at some dozens of points of a run, and everything comes of each as of none. */
import { expect, it } from 'vitest'
import { cutPower, cutSettings } from '../../stress/power/cuts.ts'
import { can } from '../../system.ts'

const timeout = 60_000

// The disk of the test keeps the names in an unsynced folder in any order.
it.runIf(can.syncFolders).each(['file', 'folder', 'replaced'] as const)(
  'a run (%s) ends in the same bytes wherever the power went',
  { timeout },
  async (kind) => {
    const { wrong, resumed, finished, steps } = await cutPower(kind, 40, 7)
    expect(wrong).toEqual([])
    expect(steps).toBeGreaterThan(20)
    expect(resumed).toBeGreaterThan(3)
    expect(finished).toBeGreaterThan(0)
  },
)

it('knows a disk that only says it has synced', { timeout }, async () => {
  expect((await cutPower('file', 40, 7, false)).wrong.join('\n')).toMatch(/not whole|in the way|differ/)
})

it('settings are whole after a power cut, the old or the new', async () => {
  expect(await cutSettings(300, 7)).toEqual([])
})
