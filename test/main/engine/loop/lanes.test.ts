/** Which task a driver is given next, and how each ends: against a driver that does what the test says, in a time that the test lets pass. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Job, JobResult, Lane } from '../../../../core/contract.ts'
import { AppError } from '../../../../core/errors.ts'
import type { JobPhase } from '../../../../core/phases.ts'
import type { TaskListener } from '../../../../main/engine/loop/driver-handle.ts'
import { calmMs, createLanes, type Lanes, stepMs } from '../../../../main/engine/loop/lanes.ts'
import type { Task, TaskAnswer } from '../../../../main/engine/messages.ts'
import { someWords } from '../../../core/messages/words.ts'

const result = { kind: 'sample', report: { output: '', tensors: 0, bytes: 0 } } as const satisfies JobResult
const cancelled = () => new AppError('cancelled', someWords('The job was cancelled.'))

/** What happened, in order. */
let log: string[]
let lanes: Lanes
/** The task that the driver has. */
let task: { readonly name: string; readonly listener: TaskListener; resolve(): void; reject(error: Error): void } | null
/** How the driver hears a cancel: at once, or when the test says so. */
let obedient: boolean

const nameOf = (task: Task) => (task.kind === 'job' && task.job.kind === 'sample' ? task.job.target : task.kind)

beforeEach(() => {
  vi.useFakeTimers()
  log = []
  task = null
  obedient = true
  lanes = createLanes({
    run: (given, listener = {}) => {
      if (task) throw new Error(`${task.name} runs`)
      const name = nameOf(given)
      log.push(`run ${name}`)
      const answer = new Promise<TaskAnswer>((resolve, reject) => {
        const end = (settle: () => void) => {
          task = null
          settle()
        }
        task = {
          name,
          listener,
          resolve: () => end(() => resolve(result)),
          reject: (error) => end(() => reject(error)),
        }
      })
      listener.started?.()
      return {
        answer,
        cancel: async () => {
          log.push(`cancel ${name}`)
          if (obedient) task?.reject(cancelled())
        },
        pause: (paused) => void log.push(`${paused ? 'hold' : 'let go'} ${name}`),
      }
    },
    stop: async () => {
      log.push('stop')
      task?.reject(cancelled())
    },
  })
})
afterEach(() => {
  vi.useRealTimers()
})

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

function submit(name: string, lane?: Lane) {
  const job: Job = {
    kind: 'sample',
    files: {},
    target: name,
    layers: 1,
    hidden: 8,
    dtype: 'F32',
    seed: 1,
    force: false,
  }
  const pending = lanes.submit(
    { kind: 'job', job, files: {}, target: null },
    {
      waiting: () => log.push(`${name} waits`),
      event: (event) => event.type === 'progress' && log.push(`${name} ${event.phase} ${event.done}/${event.total}`),
    },
    lane,
  )
  let ends = 0
  const end = (how: string) => {
    ends++
    log.push(`${name} ${how}`)
    expect(ends).toBe(1)
  }
  pending.answer.then(
    () => end('finished'),
    (error: AppError) => end(error.code),
  )
  return pending
}
const progress = (done: number, phase: JobPhase = 'analyze') =>
  task?.listener.event?.({ type: 'progress', phase, tensor: null, done, total: 10, memoryBytes: 0 })
const taken = () => log.splice(0)

test('foreground jobs run one after another, and each ends once', async () => {
  submit('a')
  submit('b')
  submit('c')
  await pass()
  expect(taken()).toEqual(['run a'])
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['a finished', 'run b'])
  task?.reject(new AppError('bad-file', someWords('It ends early.')))
  await pass()
  expect(taken()).toEqual(['b bad-file', 'run c'])
})

test('opening a file goes before jobs that have not begun', async () => {
  submit('a')
  submit('b')
  const opened = lanes.submit({ kind: 'open', file: { fileId: 'f', path: '/f', within: null, fingerprint: null } })
  await pass()
  expect(taken()).toEqual(['run open'])
  task?.resolve()
  await opened.answer
  await pass()
  expect(taken()).toEqual(['run a'])
})

test('a background job runs at once where nobody is in front of it', async () => {
  submit('model', 'background')
  await pass()
  expect(taken()).toEqual(['run model'])
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['model finished'])
})

test('a background job that comes during a foreground one says that it waits, and runs after it', async () => {
  submit('look')
  submit('model', 'background')
  await pass()
  expect(taken()).toEqual(['model waits', 'run look'])
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['look finished', 'run model'])
})

test('a look that comes long after the one before leaves no calm to pass, one that follows it does', async () => {
  submit('model', 'background')
  for (const [after, calm] of [
    [0, 0],
    [stepMs, 0],
    [stepMs / 2, calmMs],
  ] as const) {
    await pass(after)
    submit('look')
    await pass()
    taken()
    task?.resolve()
    await pass(Math.max(0, calm - 1))
    expect(taken()).toEqual(calm === 0 ? ['look finished', 'run model'] : ['look finished'])
    await pass(1)
  }
  expect(taken()).toEqual(['run model'])
})

test('a foreground job preempts the background one, which runs again with its own request and ends once', async () => {
  submit('model', 'background')
  await pass()
  submit('look')
  await pass()
  expect(taken()).toEqual(['run model', 'model waits', 'cancel model', 'run look'])
  task?.resolve()
  await pass(calmMs)
  expect(taken()).toEqual(['look finished', 'run model'])
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['model finished'])
})

test('stepping through a list keeps the background waiting after its first step, which says so once', async () => {
  submit('model', 'background')
  await pass()
  for (const name of ['a', 'b', 'c']) {
    submit(name)
    await pass()
    task?.resolve()
    await pass(calmMs - 1)
  }
  const preempted = ['run model', 'model waits', 'cancel model']
  expect(taken()).toEqual([
    ...[...preempted, 'run a', 'a finished', ...preempted],
    ...['b', 'c'].flatMap((name) => [`run ${name}`, `${name} finished`]),
  ])
  await pass(1)
  expect(taken()).toEqual(['run model'])
})

test('a foreground job that is cancelled before the background one has heard its own cancel leaves the calm to pass', async () => {
  submit('step before')
  await pass()
  task?.resolve()
  await pass()
  taken()
  obedient = false
  submit('model', 'background')
  await pass()
  const look = submit('look')
  await pass()
  await look.cancel()
  task?.reject(cancelled())
  await pass(calmMs - 1)
  expect(taken()).toEqual(['run model', 'model waits', 'cancel model', 'look cancelled'])
  await pass(1)
  expect(taken()).toEqual(['run model'])
})

test('the share of a background job never falls, that of a matrix within it does', async () => {
  submit('model', 'background')
  await pass()
  progress(7)
  progress(9, 'read')
  submit('look')
  await pass()
  task?.resolve()
  await pass(calmMs)
  taken()
  progress(1)
  progress(1, 'read')
  progress(8)
  expect(taken()).toEqual(['model analyze 7/10', 'model read 1/10', 'model analyze 8/10'])
})

test('a background job that finishes or fails while it is being preempted has ended', async () => {
  obedient = false
  for (const how of ['finished', 'bad-file'] as const) {
    submit('model', 'background')
    await pass()
    submit('look')
    await pass()
    if (how === 'finished') task?.resolve()
    else task?.reject(new AppError(how, someWords('It ends early.')))
    await pass()
    expect(taken()).toEqual(['run model', 'model waits', 'cancel model', `model ${how}`, 'run look'])
    task?.resolve()
    await pass(2 * calmMs)
    expect(taken()).toEqual(['look finished'])
  }
})

test('what the driver dies of is not run again', async () => {
  submit('model', 'background')
  await pass()
  task?.reject(new AppError('engine-died', someWords('The compute thread failed.')))
  await pass(2 * calmMs)
  expect(taken()).toEqual(['run model', 'model engine-died'])
})

test('a background job is cancelled in every state', async () => {
  // Queued behind a foreground job.
  submit('look')
  const queued = submit('queued', 'background')
  await pass()
  await queued.cancel()
  await pass()
  expect(taken()).toEqual(['queued waits', 'run look', 'queued cancelled'])
  task?.resolve()
  await pass(calmMs)
  expect(taken()).toEqual(['look finished'])
  // Running.
  const runs = submit('runs', 'background')
  await pass()
  await runs.cancel()
  await pass(2 * calmMs)
  expect(taken()).toEqual(['run runs', 'cancel runs', 'runs cancelled'])
  // While it is being preempted: it is not kept.
  obedient = false
  const dying = submit('dying', 'background')
  await pass()
  submit('look')
  await pass()
  void dying.cancel()
  task?.reject(cancelled())
  await pass()
  task?.resolve()
  await pass(2 * calmMs)
  expect(taken()).toEqual([
    ...['run dying', 'dying waits', 'cancel dying', 'cancel dying', 'dying cancelled'],
    ...['run look', 'look finished'],
  ])
  // Preempted, waiting for its next turn.
  obedient = true
  const waits = submit('waits', 'background')
  await pass()
  submit('look')
  await pass()
  await waits.cancel()
  task?.resolve()
  await pass(2 * calmMs)
  expect(taken()).toEqual([
    ...['run waits', 'waits waits', 'cancel waits', 'run look'],
    ...['waits cancelled', 'look finished'],
  ])
})

test('a queued foreground job is cancelled without having run', async () => {
  submit('a')
  const b = submit('b')
  await pass()
  await b.cancel()
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['run a', 'b cancelled', 'a finished'])
})

test('one background job runs at a time, in the order they came', async () => {
  submit('first', 'background')
  submit('second', 'background')
  await pass()
  submit('look')
  await pass()
  task?.resolve()
  await pass(calmMs)
  expect(taken()).toEqual([
    ...['run first', 'first waits', 'cancel first', 'second waits', 'run look', 'look finished'],
    'run first',
  ])
  task?.resolve()
  await pass()
  expect(taken()).toEqual(['first finished', 'run second'])
})

test('a queued job that was held is held when its turn comes, and again after a preemption', async () => {
  submit('a')
  const model = submit('model', 'background')
  model.pause(true)
  await pass()
  task?.resolve()
  await pass(calmMs)
  expect(taken()).toEqual(['model waits', 'run a', 'a finished', 'run model', 'hold model'])
  submit('look')
  await pass()
  task?.resolve()
  await pass(calmMs)
  expect(taken()).toEqual(['model waits', 'cancel model', 'run look', 'look finished', 'run model', 'hold model'])
  model.pause(false)
  expect(taken()).toEqual(['let go model'])
})

test('only a job keeps the driver busy: between two runs of a background job a file can be opened', async () => {
  expect(lanes.busy).toBe(false)
  submit('model', 'background')
  await pass()
  expect(lanes.busy).toBe(true)
  for (const step of ['look', 'next look']) {
    submit(step)
    await pass()
    task?.resolve()
    await pass()
  }
  expect(lanes.busy).toBe(false)
  lanes.submit({ kind: 'open', file: { fileId: 'f', path: '/f', within: null, fingerprint: null } })
  await pass()
  expect(lanes.busy).toBe(false)
  task?.resolve()
  await pass(calmMs)
  expect(lanes.busy).toBe(true)
})

test('a stop ends all of them, and nothing runs again', async () => {
  submit('model', 'background')
  await pass()
  submit('look')
  submit('next')
  await pass()
  taken()
  await lanes.stop()
  await pass(2 * calmMs)
  expect(taken()).toEqual(['stop', 'next cancelled', 'model cancelled', 'look cancelled'])
})
