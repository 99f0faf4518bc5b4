import { expect, test } from 'vitest'
import * as limits from '../../../main/system/end-limits.ts'

test('whoever is told to end has ended in time, whatever each step takes: a process ends by exit, or half a second later by a signal', () => {
  const { promisedMs, filesMs, commandEndMs, hostEndMs, impatientEndMs, engineEndMs, tidyMs, stopMs } = limits
  // For timers of a busy machine.
  const slackMs = 300
  for (const endMs of [commandEndMs, hostEndMs]) expect(endMs + filesMs + slackMs).toBeLessThanOrEqual(promisedMs)
  expect(impatientEndMs + filesMs).toBeLessThanOrEqual(promisedMs / 2)
  // An engine ends itself before it is killed, and is gone before whoever waits for it goes.
  expect([tidyMs, stopMs, engineEndMs, hostEndMs]).toEqual(
    [tidyMs, stopMs, engineEndMs, hostEndMs].sort((a, b) => a - b),
  )
})
