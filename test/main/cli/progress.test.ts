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
