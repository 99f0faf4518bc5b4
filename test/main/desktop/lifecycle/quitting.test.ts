import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createQuitting, type Quitting } from '../../../../main/desktop/lifecycle/quitting.ts'
import { hostEndMs } from '../../../../main/system/end-limits.ts'

describe('quitting', () => {
  let running: number
  let answer: (agrees: boolean) => void
  let asked: number[]
  let exits: number[]
  let closed: () => void
  let quitting: Quitting
  const again = vi.fn()
  beforeEach(() => {
    ;[running, asked, exits] = [1, [], []]
    again.mockClear()
    quitting = createQuitting({
      running: () => running,
      ask(count) {
        asked.push(count)
        return new Promise((resolve) => {
          answer = resolve
        })
      },
      close: () =>
        new Promise((resolve) => {
          closed = resolve
        }),
      exit: (status) => void exits.push(status),
    })
  })

  it('asks nothing where nothing is cut short', () => {
    running = 0
    expect(quitting.mayClose(again)).toBe(true)
    expect(asked).toEqual([])
  })

  it('asks once at a time; a refusal can be followed by another question, an agreement by none', async () => {
    expect([quitting.mayClose(again), quitting.mayClose(again)]).toEqual([false, false])
    expect(asked).toEqual([1])
    answer(false)
    await Promise.resolve()
    expect(again).not.toHaveBeenCalled()
    expect(quitting.mayClose(again)).toBe(false)
    expect(asked).toEqual([1, 1])
    answer(true)
    await vi.waitFor(() => expect(again).toHaveBeenCalledOnce())
    expect(quitting.mayClose(again)).toBe(true)
  })

  it('ends once, when all is closed, and is not held up by a question that nobody answers', async () => {
    quitting.mayClose(again)
    quitting.end(143)
    quitting.end(0)
    expect(quitting.mayClose(again)).toBe(true)
    expect(exits).toEqual([])
    closed()
    await vi.waitFor(() => expect(exits).toEqual([143]))
  })

  it('does not wait for ever', () => {
    vi.useFakeTimers()
    quitting.end(0)
    vi.advanceTimersByTime(hostEndMs)
    expect(exits).toEqual([0])
    vi.useRealTimers()
  })
})
