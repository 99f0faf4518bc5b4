/** Every job is heard by whoever started it, first word to last, however its words and the answer to its start overtake each other. */

import { expect, test } from 'vitest'
import { createFeed, isEnd, type JobWord } from '../../../core/client/feed.ts'
import type { JobEvent, JobRequest, Lane } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { someWords } from '../messages/words.ts'

const job: JobRequest = { kind: 'sample', target: 't', layers: 1, hidden: 8, dtype: 'F32', seed: 1 }
const started = (jobId: string): JobEvent => ({ type: 'started', jobId })
const cancelled = (jobId: string): JobEvent => ({ type: 'cancelled', jobId })

/** A feed whose starts the test answers. */
function harness() {
  const starts: { lane: Lane | undefined; answer(jobId: string): void; refuse(error: Error): void }[] = []
  const feed = createFeed({
    start: (_, lane) => new Promise((answer, refuse) => starts.push({ lane, answer, refuse })),
  })
  const heard: Record<string, JobWord[]> = {}
  const start = (name: string, lane?: Lane) =>
    feed.start(
      job,
      (word) => {
        heard[name] ??= []
        heard[name].push(word)
      },
      lane,
    )
  return { feed, starts, start, heard }
}

test('words that come before the id are kept, and told before the start resolves', async () => {
  const { feed, starts, start, heard } = harness()
  const pending = start('a')
  feed.receive(started('1'))
  feed.receive(cancelled('1'))
  expect(heard).toEqual({})
  starts[0]?.answer('1')
  expect(await pending).toBe('1')
  expect(heard.a).toEqual([started('1'), cancelled('1')])
})

test('two jobs that start at once each hear their own', async () => {
  const { feed, starts, start, heard } = harness()
  const pending = [start('a'), start('b')]
  feed.receive(started('2'))
  feed.receive(started('1'))
  starts[1]?.answer('2')
  await pending[1]
  starts[0]?.answer('1')
  await pending[0]
  feed.receive(cancelled('1'))
  expect(heard).toEqual({ a: [started('1'), cancelled('1')], b: [started('2')] })
})

test('what nobody started here, or what comes after the end, is told to nobody', async () => {
  const { feed, starts, start, heard } = harness()
  feed.receive(started('1'))
  const pending = start('a')
  starts[0]?.answer('1')
  await pending
  feed.receive(cancelled('1'))
  feed.receive(started('1'))
  expect(heard.a).toEqual([cancelled('1')])
})

test('words of a job that was refused are not given to the next', async () => {
  const { feed, starts, start, heard } = harness()
  const refused = start('a')
  feed.receive(started('1'))
  starts[0]?.refuse(new AppError('not-found', someWords('This file is not open any more.')))
  await expect(refused).rejects.toMatchObject({ code: 'not-found' })
  const pending = start('b')
  starts[1]?.answer('1')
  await pending
  expect(heard).toEqual({})
})

test('the death of the engine is the last word of every job', async () => {
  const { feed, starts, start, heard } = harness()
  for (const [i, name] of ['a', 'b'].entries()) {
    const pending = start(name)
    starts[i]?.answer(name)
    await pending
  }
  feed.lose(someWords('It was killed.'))
  feed.receive(cancelled('a'))
  feed.lose(someWords('It was killed again.'))
  expect(heard).toEqual({
    a: [{ type: 'lost', jobId: 'a', reason: someWords('It was killed.') }],
    b: [{ type: 'lost', jobId: 'b', reason: someWords('It was killed.') }],
  })
  expect(heard.a?.every(isEnd)).toBe(true)
})

test('the lane goes to the engine, also where none was named: what crosses to it survives JSON', async () => {
  const { starts, start } = harness()
  void start('a')
  void start('b', 'background')
  expect(starts.map(({ lane }) => lane)).toEqual(['foreground', 'background'])
})
