import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { onSilence } from '../../../renderer/frame/silence.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const never = () => new Promise<never>(() => {})

test('a host that answers is asked again, and never said to be silent', async () => {
  const ask = vi.fn(async () => {})
  const tell = vi.fn()
  const stop = onSilence(ask, tell)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(ask).toHaveBeenCalledTimes(24)
  expect(tell).not.toHaveBeenCalled()
  stop()
})

test('one that does not is told of once its answer is 20 s late, unless it was stopped before', async () => {
  const tell = vi.fn()
  const stop = onSilence(never, () => {
    tell()
    stop()
  })
  await vi.advanceTimersByTimeAsync(24_000)
  expect(tell).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(tell).toHaveBeenCalledTimes(1)
})

test('a page that slept itself has not listened, and asks again', async () => {
  const ask = vi.fn(never)
  const tell = vi.fn()
  const stop = onSilence(ask, tell)
  await vi.advanceTimersByTimeAsync(5000)
  // Its clock goes on while its timers stand still.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 3_600_000)
  await vi.advanceTimersByTimeAsync(5000)
  expect(tell).not.toHaveBeenCalled()
  expect(ask).toHaveBeenCalledTimes(2)
  stop()
  vi.restoreAllMocks()
})
