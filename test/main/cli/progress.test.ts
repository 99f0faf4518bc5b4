import { expect, it } from 'vitest'
import { progressLine } from '../../../main/cli/progress.ts'

it('draws how far the whole is, not how far one of its matrices has been read', () => {
  const drawn: string[] = []
  const line = progressLine({ isTTY: true, columns: 80, write: (text) => drawn.push(String(text)) > 0 })
  const event = { type: 'progress', jobId: 'j', tensor: 'w', memoryBytes: 1 } as const
  line.show({ ...event, phase: 'read', done: 9, total: 10 })
  expect(drawn.at(-1)).toContain(' 90 %')
  line.show({ ...event, phase: 'compress', done: 1, total: 10 })
  line.show({ ...event, phase: 'read', done: 10, total: 10 })
  expect(drawn).toHaveLength(2)
  expect(drawn.at(-1)).toContain(' 10 %')
})

it('shows a name that would rewrite the terminal by its numbers', () => {
  const drawn: string[] = []
  const line = progressLine({ isTTY: true, columns: 200, write: (text) => drawn.push(String(text)) > 0 })
  const tensor = 'w\u001b]0;owned\u0007\u009b2J\r\n'
  line.show({ type: 'progress', jobId: 'j', tensor, memoryBytes: 1, phase: 'compress', done: 1, total: 10 })
  expect(drawn.join('').replace('\r\u001b[K', '')).not.toMatch(/\p{Cc}/u)
})
