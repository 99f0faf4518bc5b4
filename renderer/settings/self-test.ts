/** What the last self-test found, or why it ended without a report. */
import { create } from 'zustand'
import type { SelfTestReport } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'

export interface SelfTestState {
  readonly report: SelfTestReport | null
  readonly error: ErrorReport | null
}

export const useSelfTest = create<SelfTestState>(() => ({ report: null, error: null }))
