import { expect, it } from 'vitest'
import { createTurns } from '../../../main/host/turns.ts'

it('takes turns in order, so many at once, and refuses beyond a number', async () => {
  const take = createTurns(2, 4)
  const [first, second, third, fourth] = [take(), take(), take(), take()]
  expect([first, second, third, fourth].map(({ waits }) => waits)).toEqual([false, false, true, true])
  expect(take).toThrow(expect.objectContaining({ code: 'over-limit' }))
  second.leave()
  second.leave()
  await third.come
  expect(fourth.waits).toBe(true)
  expect(take().waits).toBe(true)
})

it('lets who waits leave, without a turn being lost', async () => {
  const take = createTurns(1, 9)
  const [first, second, third] = [take(), take(), take()]
  second.leave()
  await expect(second.come).rejects.toMatchObject({ code: 'cancelled' })
  expect(third.waits).toBe(true)
  first.leave()
  await third.come
  third.leave()
  expect(take().waits).toBe(false)
})
