/** The self-test: whether it runs, how far it is, what it found. */
import { create } from 'zustand'
import type { JobEvent, SelfTestReport } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'

export interface SelfTestState {
  readonly running: boolean
  /** Matrices done and in all, and the one at work. */
  readonly done: number
  readonly total: number
  readonly matrix: string | null
  readonly report: SelfTestReport | null
  readonly error: ErrorReport | null
}

const idle: SelfTestState = { running: false, done: 0, total: 0, matrix: null, report: null, error: null }

export const useSelfTest = create<SelfTestState>(() => idle)

export const selfTestReducers = {
  started() {
    useSelfTest.setState({ ...idle, running: true })
  },
  failed(error: ErrorReport) {
    useSelfTest.setState({ running: false, error })
  },
  event(event: JobEvent) {
    useSelfTest.setState((state) => afterSelfTestEvent(state, event))
  },
}

export function afterSelfTestEvent(state: SelfTestState, event: JobEvent): SelfTestState {
  switch (event.type) {
    case 'progress':
      return { ...state, done: event.done, total: event.total, matrix: event.tensor }
    case 'finished':
      return event.result.kind === 'selftest' ? { ...idle, report: event.result.report } : state
    case 'failed':
      return { ...state, running: false, error: event.error }
    case 'cancelled':
      return { ...state, running: false }
    default:
      return state
  }
}
