import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inEnglish } from '../../../../core/messages/english.ts'
import { whyItEnded } from '../../../../main/engine/parent/exit-sentence.ts'
import {
  begin,
  type Effect,
  maxDeaths,
  next,
  pauseMs,
  type Step,
  type SupervisionEvent,
  stableMs,
} from '../../../../main/engine/parent/supervision.ts'
import { goneMs, hurryMs, stopMs } from '../../../../main/system/end-limits.ts'
import { someWords } from '../../../core/messages/words.ts'

const fell = someWords('it fell')
const exit = (nowMs = 0): SupervisionEvent => ({ type: 'exit', nowMs, reason: fell })
const ready = (nowMs = 0): SupervisionEvent => ({ type: 'ready', nowMs })
const stop: SupervisionEvent = { type: 'stop' }
const hurry: SupervisionEvent = { type: 'hurry' }
const timer: SupervisionEvent = { type: 'timer' }

const live = (events: readonly SupervisionEvent[], restart = true): Step =>
  events.reduce((step, event) => next(step.state, event, restart), begin())

describe('supervision', () => {
  it('starts, and says so', () => {
    expect(begin().effects.map((effect) => effect.type)).toEqual(['spawn', 'timer', 'status'])
    expect(live([ready()]).effects).toContainEqual({ type: 'status', state: 'ready', reason: null })
  })

  it('tells why, pauses and starts again, each time later', () => {
    const died = live([ready(), exit()])
    expect(died.effects).toContainEqual({ type: 'status', state: 'died', reason: fell })
    expect(died.effects).toContainEqual({ type: 'lost', reason: fell })
    expect(died.effects).toContainEqual({ type: 'timer', afterMs: pauseMs(1) })
    const again = live([ready(), exit(), timer, ready(), exit()])
    expect(again.effects).toContainEqual({ type: 'timer', afterMs: pauseMs(2) })
    expect(pauseMs(2)).toBeGreaterThan(pauseMs(1))
  })

  it(`gives up after ${maxDeaths} deaths in a row`, () => {
    const events = Array.from({ length: maxDeaths }, () => [ready(), exit(), timer]).flat()
    expect(live(events).state).toEqual({ phase: 'ended', reason: fell })
  })

  it('forgets deaths once an engine has lived for long', () => {
    const events = Array.from({ length: 3 * maxDeaths }, (_, i) => [
      ready(2 * i * stableMs),
      exit((2 * i + 1) * stableMs),
      timer,
    ]).flat()
    expect(live(events).state.phase).toBe('starting')
  })

  it('does not start a run again', () => {
    expect(live([ready(), exit()], false).state).toEqual({ phase: 'ended', reason: fell })
  })

  it('kills an engine that does not start, and says so', () => {
    expect(live([timer]).effects).toEqual([{ type: 'kill' }, { type: 'timer', afterMs: goneMs }])
    expect(live([timer, timer]).effects).toEqual([{ type: 'forsake' }])
    expect(live([timer, exit()], false).state).toMatchObject({
      reason: { key: 'engine.late' },
    })
  })

  it('asks to stop, then kills, then waits no more', () => {
    const asked = { type: 'ask-to-stop' }
    const killed = [{ type: 'kill' }, { type: 'timer', afterMs: goneMs }]
    expect(live([ready(), stop]).effects).toEqual([asked, { type: 'timer', afterMs: stopMs }])
    expect(live([ready(), stop, timer]).effects).toEqual(killed)
    expect(live([ready(), stop, timer, timer]).effects).toEqual([{ type: 'forsake' }])
    expect(live([ready(), stop, timer, timer, exit()]).state).toEqual({ phase: 'ended', reason: null })
    expect(live([ready(), hurry]).effects).toEqual([asked, { type: 'timer', afterMs: hurryMs }])
    expect(live([ready(), stop, hurry]).effects).toEqual([{ type: 'timer', afterMs: hurryMs }])
    expect(live([ready(), stop, hurry, timer]).effects).toEqual(killed)
    expect(live([ready(), stop, timer, hurry]).effects).toEqual([])
    expect(live([ready(), exit(), hurry]).state).toEqual({ phase: 'ended', reason: null })
    expect(live([ready(), stop, exit()]).state).toEqual({ phase: 'ended', reason: null })
    expect(live([ready(), exit(), stop]).state).toEqual({ phase: 'ended', reason: null })
  })

  it('never has two processes, nor one after its end, whatever happens', () => {
    const anything = fc.constantFrom<SupervisionEvent>(
      ready(),
      ready(stableMs * 2),
      timer,
      stop,
      hurry,
      exit(),
      exit(stableMs * 3),
    )
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 40 }), fc.boolean(), (events, restart) => {
        let step = begin()
        let processes = 1
        const count = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'spawn').length
        for (const event of events) {
          // A process that does not exist neither exits nor reports.
          if ((event.type === 'exit' || event.type === 'ready') && processes === 0) continue
          if (event.type === 'exit') processes--
          step = next(step.state, event, restart)
          processes += count(step.effects)
          expect(processes).toBeLessThanOrEqual(1)
          if (step.state.phase === 'ended') expect(processes).toBe(0)
        }
      }),
    )
  })
})

describe('exit sentence', () => {
  it.each([
    [{ code: null, signal: 'SIGKILL', stderrTail: '' }, /SIGKILL.*memory/],
    [{ code: null, signal: 'SIGSEGV', stderrTail: '' }, /crashed \(SIGSEGV\)/],
    [{ code: null, signal: 'SIGTERM', stderrTail: '' }, /from outside \(SIGTERM\)/],
    [
      { code: 134, signal: null, stderrTail: 'FATAL ERROR: Reached heap limit - JavaScript heap out of memory' },
      /ran out of memory/,
    ],
    [
      { code: 1, signal: null, stderrTail: 'file:///x.js:3\n\nTypeError: a is not a function\n    at b' },
      /TypeError: a is not/,
    ],
    [{ code: 1, signal: null, stderrTail: "Error: ENOENT: no such file, open '/home/someone/x'" }, /exit code 1\.$/],
    [{ code: 7, signal: null, stderrTail: '' }, /exit code 7/],
  ])('%j', (exit, sentence) => {
    expect(inEnglish(whyItEnded(exit, 'linux'))).toMatch(sentence)
  })

  it.each<[number, string, RegExp]>([
    [1, '', /ended from outside, by the Task Manager/],
    [0xc000_013a, '', /ended from outside/],
    [0xc000_0005, '', /crashed \(STATUS_ACCESS_VIOLATION, 0xC0000005\)/],
    // As Electron reports it.
    [0xc000_00fd - 2 ** 32, '', /crashed \(STATUS_STACK_OVERFLOW, 0xC00000FD\)/],
    [0xc000_1234, '', /crashed \(0xC0001234\)/],
    [0xc000_0017, '', /ran out of memory/],
    [134, 'FATAL ERROR: JavaScript heap out of memory\r\n', /ran out of memory/],
    [134, '', /crashed \(SIGABRT\)/],
    [
      1,
      'TypeError: a is not a function\r\n    at b\r\n',
      /\(TypeError: a is not a function\) and ended with exit code 1/,
    ],
    [7, '', /exit code 7/],
  ])('of Windows: %i, %j', (code, stderrTail, sentence) => {
    expect(inEnglish(whyItEnded({ code, signal: null, stderrTail }, 'win32'))).toMatch(sentence)
  })
})
