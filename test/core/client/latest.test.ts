/** What a page wants last of an engine is what it gets: against an engine that only writes down what it is asked. */
import { beforeEach, expect, test } from 'vitest'
import { createFeed, type JobFeed } from '../../../core/client/feed.ts'
import { type Latest, latestPerOwner, type UnderWay, type Wish } from '../../../core/client/latest.ts'
import type { EngineApi, JobEvent, JobRequest } from '../../../core/contract.ts'
import { AppError } from '../../../core/errors.ts'
import { sentencesOf, someWords } from '../messages/words.ts'

interface NamedWish extends Wish {
  readonly name: string
}

let log: string[]
let feed: JobFeed
let latest: Latest<{ look: NamedWish; plan: NamedWish }>
let shown: Record<string, UnderWay<NamedWish> | null>
let answers: { resolve(jobId: string): void; reject(error: Error): void }[]
/** Whether starts are answered at once. */
let prompt: boolean
let cancels: Pick<EngineApi, 'cancel'>['cancel']

beforeEach(() => {
  log = []
  shown = {}
  answers = []
  prompt = true
  cancels = async (jobId) => feed.receive({ type: 'cancelled', jobId })
  let jobs = 0
  feed = createFeed({
    start: (job) => {
      log.push(`start ${job.kind === 'sample' ? job.target : job.kind}`)
      if (prompt) return Promise.resolve(`job-${++jobs}`)
      return new Promise((resolve, reject) => answers.push({ resolve, reject }))
    },
  })
  latest = latestPerOwner(
    {
      cancel: (jobId) => {
        log.push(`cancel ${jobId}`)
        return cancels(jobId)
      },
    },
    feed,
    (owner, underWay) => {
      shown[owner] = underWay
    },
  )
})

/** Lets every answer arrive. */
const settle = () => new Promise((resolve) => setTimeout(resolve))
const request = (target: string): JobRequest => ({
  ...{ kind: 'sample', target, layers: 1, hidden: 8, dtype: 'F32', seed: 1 },
})

function wish(name: string, more: Partial<Wish> = {}): NamedWish {
  return {
    name,
    onFile: true,
    request: () => request(name),
    hear: (event) => log.push(`${name} ${event.type}`),
    end: (end) =>
      log.push(`${name} ends ${end.type}${end.type === 'failed' ? `: ${sentencesOf(end.error.said).join()}` : ''}`),
    ...more,
  }
}
const cancelled = (jobId: string): JobEvent => ({ type: 'cancelled', jobId })
const taken = () => log.splice(0)

test('a wish is shown from the moment it is wished, with its id once that is known, and until its end', async () => {
  latest.want('look', wish('a'))
  expect(shown.look).toMatchObject({ wish: { name: 'a' }, jobId: null, view: { state: 'queued' } })
  await settle()
  feed.receive({ type: 'started', jobId: 'job-1' })
  expect(shown.look).toMatchObject({ jobId: 'job-1', view: { state: 'running' } })
  feed.receive({ type: 'failed', jobId: 'job-1', error: { code: 'bad-file', said: [someWords('It ends early.')] } })
  expect(shown.look).toBeNull()
  expect(taken()).toEqual(['start a', 'a started', 'a ends failed: It ends early.'])
})

test('another wish cancels the job before it starts, and the superseded one hears nothing more', async () => {
  latest.want('look', wish('a'))
  await settle()
  let done = () => {}
  cancels = () => new Promise((resolve) => (done = resolve))
  latest.want('look', wish('b'))
  await settle()
  expect(shown.look).toMatchObject({ wish: { name: 'b' }, jobId: null })
  expect(taken()).toEqual(['start a', 'cancel job-1'])
  feed.receive(cancelled('job-1'))
  done()
  await settle()
  expect(taken()).toEqual(['start b'])
})

test('of many wishes in a row only the last is started', async () => {
  latest.want('look', wish('a'))
  await settle()
  for (const name of ['b', 'c', 'd']) latest.want('look', wish(name))
  await settle()
  expect(taken()).toEqual(['start a', 'cancel job-1', 'start d'])
})

test('a wish that is superseded while it is being started is cancelled when its id arrives', async () => {
  prompt = false
  latest.want('look', wish('a'))
  await settle()
  latest.want('look', wish('b'))
  await settle()
  expect(taken()).toEqual(['start a'])
  answers[0]?.resolve('late')
  await settle()
  expect(taken()).toEqual(['cancel late', 'start b'])
})

test('owners do not end each other', async () => {
  latest.want('plan', wish('p'))
  latest.want('look', wish('a'))
  await settle()
  latest.drop('look')
  await settle()
  expect(taken()).toEqual(['start p', 'start a', 'cancel job-2'])
  expect(shown).toMatchObject({ plan: { wish: { name: 'p' } }, look: null })
})

test('what is dropped ends without a word, and the next one waits for that', async () => {
  latest.want('look', wish('a'))
  await settle()
  latest.drop('look')
  expect(shown.look).toBeNull()
  latest.want('look', wish('b'))
  await settle()
  expect(taken()).toEqual(['start a', 'cancel job-1', 'start b'])
})

test('a refused start is a failure', async () => {
  prompt = false
  latest.want('look', wish('a'))
  await settle()
  answers[0]?.reject(new AppError('out-of-memory', someWords('Needs 9 GB.')))
  await settle()
  expect(taken()).toEqual(['start a', 'a ends failed: Needs 9 GB.'])
  latest.want('look', wish('b'))
  await settle()
  expect(taken()).toEqual(['start b'])
})

test('a wish that has nothing left to ask when its turn comes is over', async () => {
  latest.want('look', wish('a', { request: () => null }))
  await settle()
  expect(taken()).toEqual([])
  expect(shown.look).toBeNull()
})

test('the engine dies: all is lost, also what was being started, and nothing starts again', async () => {
  latest.want('plan', wish('p'))
  await settle()
  prompt = false
  latest.want('look', wish('a'))
  await settle()
  taken()
  latest.lose(someWords('It was killed.'))
  answers[0]?.reject(new AppError('engine-died', someWords('The connection to the engine was lost.')))
  await settle()
  latest.fileSettled()
  await settle()
  expect(taken()).toEqual(['p ends lost', 'a ends lost'])
  expect(shown).toEqual({ plan: null, look: null })
})

test('after a death the last wish of each owner waits for the file; what needs none does not', async () => {
  latest.lose(someWords('It was killed.'))
  latest.want('look', wish('a'))
  latest.want('look', wish('b'))
  latest.want('plan', wish('self-test', { onFile: false }))
  await settle()
  expect(taken()).toEqual(['start self-test'])
  expect(shown.look ?? null).toBeNull()
  latest.fileSettled()
  await settle()
  expect(taken()).toEqual(['start b'])
  expect(shown.look).toMatchObject({ wish: { name: 'b' } })
})

test('a second death drops what waited, and so does a wish that is dropped', async () => {
  latest.lose(someWords('It was killed.'))
  latest.want('look', wish('a'))
  latest.lose(someWords('It was killed again.'))
  latest.want('plan', wish('p'))
  latest.drop('plan')
  latest.fileSettled()
  await settle()
  expect(taken()).toEqual([])
})

test('a request is made when it starts', async () => {
  let target = 'old file'
  latest.lose(someWords('It was killed.'))
  latest.want('look', wish('a', { request: () => request(target) }))
  target = 'new file'
  latest.fileSettled()
  await settle()
  expect(taken()).toEqual(['start new file'])
})

test('a listener may wish again as soon as it hears of an end', async () => {
  latest.want(
    'look',
    wish('a', {
      end: () => latest.want('look', wish('b')),
    }),
  )
  await settle()
  feed.receive(cancelled('job-1'))
  await settle()
  expect(taken()).toEqual(['start a', 'start b'])
  expect(shown.look).toMatchObject({ wish: { name: 'b' }, jobId: 'job-2' })
})
