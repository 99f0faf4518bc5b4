import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { onSilence } from '../../../renderer/frame/silence.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test('whoever answers is asked again, and never said to be silent', async () => {
  const ask = vi.fn(() => silence.heard())
  const tell = vi.fn()
  const silence = onSilence(ask, tell)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(ask).toHaveBeenCalledTimes(24)
  expect(tell).not.toHaveBeenCalled()
  silence.stop()
})

test('silence is told 20 s after a question, unless anything else was heard meanwhile', async () => {
  const tell = vi.fn()
  const silence = onSilence(() => {}, tell)
  await vi.advanceTimersByTimeAsync(24_000)
  silence.heard()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(tell).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(5000)
  expect(tell).toHaveBeenCalledTimes(1)
  silence.stop()
  await vi.advanceTimersByTimeAsync(120_000)
  expect(tell).toHaveBeenCalledTimes(1)
})

test('a page that slept itself has not listened, and asks again', async () => {
  const ask = vi.fn()
  const tell = vi.fn()
  const silence = onSilence(ask, tell)
  await vi.advanceTimersByTimeAsync(5000)
  // Its clock goes on while its timers stand still.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 3_600_000)
  await vi.advanceTimersByTimeAsync(5000)
  expect(tell).not.toHaveBeenCalled()
  expect(ask).toHaveBeenCalledTimes(2)
  silence.stop()
  vi.restoreAllMocks()
})
