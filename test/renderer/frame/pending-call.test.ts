import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { answerNow, pendingCall } from '../../../renderer/frame/pending-call.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('a single change is answered at once, after the event that made it; what follows closely waits until it has settled', () => {
  const calls: string[] = []
  const settling = pendingCall()
  const change = (name: string) => settling.settled(80, () => calls.push(name))
  change('first')
  expect(calls).toEqual([])
  vi.advanceTimersByTime(0)
  expect(calls).toEqual(['first'])
  for (const name of ['held', 'held on', 'let go']) {
    vi.advanceTimersByTime(33)
    change(name)
  }
  vi.advanceTimersByTime(79)
  expect(calls).toEqual(['first'])
  vi.advanceTimersByTime(1)
  expect(calls).toEqual(['first', 'let go'])
  vi.advanceTimersByTime(81)
  change('later')
  expect(settling.cancel()).toBe(true)
  vi.advanceTimersByTime(200)
  expect(calls).toHaveLength(2)
})

it('a single change is answered before the page renders it where its maker says that the event is over, and once', () => {
  const calls: string[] = []
  const [analysis, plan] = [pendingCall(), pendingCall()]
  analysis.settled(80, () => calls.push('analysis'))
  plan.settled(100, () => calls.push('plan'))
  expect(calls).toEqual([])
  answerNow()
  expect(calls).toEqual(['analysis', 'plan'])
  expect(plan.pending).toBe(false)
  // What follows closely still waits, and what was taken back is not called.
  plan.settled(100, () => calls.push('plan again'))
  answerNow()
  vi.advanceTimersByTime(99)
  expect(calls).toHaveLength(2)
  vi.advanceTimersByTime(100)
  analysis.settled(80, () => calls.push('never'))
  analysis.cancel()
  answerNow()
  vi.advanceTimersByTime(500)
  expect(calls).toEqual(['analysis', 'plan', 'plan again'])
  analysis.settled(80, () => plan.cancel())
  plan.settled(100, () => calls.push('taken back'))
  answerNow()
  vi.advanceTimersByTime(500)
  expect(calls).toHaveLength(3)
})
