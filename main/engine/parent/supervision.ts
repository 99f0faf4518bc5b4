/**
 * The life of an engine as seen from main: a pure function from what was and what happened to what is and what is to be done.
 *
 *   starting --ready--> ready --exit--> pausing --timer--> starting ...
 *   anything --stop--> stopping --exit--> ended
 *
 * What has to be killed and is not gone a moment later waits for a disk that is gone: it is forsaken, and counts as ended.
 *
 * An engine that dies is started again after a pause that grows with each death in a row; five of them end it. A run's engine is not
 * started again: its job is what died.
 */
import { say } from '../../../core/messages/english.ts'
import type { Message } from '../../../core/messages/message.ts'
import { goneMs, hurryMs, stopMs } from '../../system/end-limits.ts'

export type Supervision =
  | { readonly phase: 'starting'; readonly deaths: number; readonly late: boolean }
  | { readonly phase: 'ready'; readonly deaths: number; readonly sinceMs: number }
  | { readonly phase: 'pausing'; readonly deaths: number }
  | { readonly phase: 'stopping'; readonly killed: boolean }
  | { readonly phase: 'ended'; readonly reason: Message | null }

export type SupervisionEvent =
  | { readonly type: 'ready'; readonly nowMs: number }
  | { readonly type: 'exit'; readonly nowMs: number; readonly reason: Message }
  | { readonly type: 'timer' }
  | { readonly type: 'stop' }
  /** As `stop`, of somebody who does not want to wait. */
  | { readonly type: 'hurry' }

export type Effect =
  | { readonly type: 'spawn' }
  | { readonly type: 'ask-to-stop' }
  | { readonly type: 'kill' }
  /** Its process counts as ended: `exit` follows. */
  | { readonly type: 'forsake' }
  /** Replaces a timer that is running. */
  | { readonly type: 'timer'; readonly afterMs: number }
  | { readonly type: 'no-timer' }
  /** Whatever was asked of the engine will not be answered. */
  | { readonly type: 'lost'; readonly reason: Message }
  | {
      readonly type: 'status'
      readonly state: 'starting' | 'ready' | 'died' | 'stopped'
      readonly reason: Message | null
    }

export interface Step {
  readonly state: Supervision
  readonly effects: readonly Effect[]
}

/** An engine starts in well under a second; a machine that swaps may need longer. */
const startLimitMs = 20_000
/** An engine that lived this long is not one that dies at once: the count of deaths in a row restarts. */
export const stableMs = 30_000
export const maxDeaths = 5

export function pauseMs(deaths: number): number {
  return Math.min(5_000, 50 * 4 ** (deaths - 1))
}

export function begin(): Step {
  return starting(0)
}

export function next(state: Supervision, event: SupervisionEvent, restart: boolean): Step {
  switch (state.phase) {
    case 'starting':
      if (event.type === 'ready')
        return {
          state: { phase: 'ready', deaths: state.deaths, sinceMs: event.nowMs },
          effects: [{ type: 'no-timer' }, { type: 'status', state: 'ready', reason: null }],
        }
      if (event.type === 'timer') return { state: { ...state, late: true }, effects: killOrForsake(state.late) }
      if (event.type === 'exit')
        return afterDeath(
          state.deaths + 1,
          state.late ? say('engine.late', { seconds: startLimitMs / 1000 }) : event.reason,
          restart,
        )
      return stopping(event)
    case 'ready':
      if (event.type === 'exit')
        return afterDeath(event.nowMs - state.sinceMs >= stableMs ? 1 : state.deaths + 1, event.reason, restart)
      return isEnd(event) ? stopping(event) : unchanged(state)
    case 'pausing':
      if (event.type === 'timer') return starting(state.deaths)
      return isEnd(event) ? end() : unchanged(state)
    case 'stopping':
      if (event.type === 'exit') return end()
      if (event.type === 'timer') return { state: { ...state, killed: true }, effects: killOrForsake(state.killed) }
      return { state, effects: event.type === 'hurry' && !state.killed ? [{ type: 'timer', afterMs: hurryMs }] : [] }
    case 'ended':
      return unchanged(state)
  }
}

function starting(deaths: number): Step {
  return {
    state: { phase: 'starting', deaths, late: false },
    effects: [
      { type: 'spawn' },
      { type: 'timer', afterMs: startLimitMs },
      { type: 'status', state: 'starting', reason: null },
    ],
  }
}

function afterDeath(deaths: number, reason: Message, restart: boolean): Step {
  const told: Effect[] = [
    { type: 'lost', reason },
    { type: 'status', state: 'died', reason },
  ]
  if (restart && deaths < maxDeaths)
    return { state: { phase: 'pausing', deaths }, effects: [...told, { type: 'timer', afterMs: pauseMs(deaths) }] }
  return { state: { phase: 'ended', reason }, effects: [...told, { type: 'no-timer' }] }
}

type End = Extract<SupervisionEvent, { readonly type: 'stop' | 'hurry' }>

function isEnd(event: SupervisionEvent): event is End {
  return event.type === 'stop' || event.type === 'hurry'
}

function stopping({ type }: End): Step {
  const afterMs = type === 'hurry' ? hurryMs : stopMs
  return { state: { phase: 'stopping', killed: false }, effects: [{ type: 'ask-to-stop' }, { type: 'timer', afterMs }] }
}

/** @param before whether it was killed before, and is still there */
function killOrForsake(before: boolean): Effect[] {
  return before ? [{ type: 'forsake' }] : [{ type: 'kill' }, { type: 'timer', afterMs: goneMs }]
}

function end(): Step {
  const reason = say('engine.stopped')
  return {
    state: { phase: 'ended', reason: null },
    effects: [{ type: 'no-timer' }, { type: 'lost', reason }, { type: 'status', state: 'stopped', reason: null }],
  }
}

function unchanged(state: Supervision): Step {
  return { state, effects: [] }
}
