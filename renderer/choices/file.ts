/** The open file: what was granted, what the engine read of it, or why it could not be read. */

import { create } from 'zustand'
import type { FileReport, Grant, TensorReport } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import type { AdapterForm } from '../../core/styles.ts'
import { hasGraph } from '../../core/weight-formats.ts'

/** What the open file was made of, by grants: itself, two models, or an adapter as what it adds. */
export type OpenSource =
  | { readonly of: 'model' }
  | { readonly of: 'pair'; readonly base: Grant; readonly form: AdapterForm | null; readonly convolutions: boolean }
  | { readonly of: 'adapter'; readonly base: Grant | null; readonly form: AdapterForm | null }

export interface FileState {
  readonly status: 'none' | 'opening' | 'open'
  /** Of the file shown or being opened. */
  readonly grant: Grant | null
  readonly source: OpenSource
  readonly report: FileReport | null
  readonly byName: ReadonlyMap<string, TensorReport>
  /** Why the last attempt to open something failed; the file open before stays. */
  readonly error: ErrorReport | null
  /** What the reader of the file had to say and the user has not dismissed. */
  readonly notices: readonly Message[]
  /** What is being opened, while `status` is `opening`. */
  readonly opening: string | null
}

const none: FileState = {
  status: 'none',
  grant: null,
  source: { of: 'model' },
  report: null,
  byName: new Map(),
  error: null,
  opening: null,
  notices: [],
}

export const useFile = create<FileState>(() => none)

/** Whether the open file is a model that runs by itself. */
export function isRunnable({ report }: Pick<FileState, 'report'>): boolean {
  return report !== null && hasGraph(report.format) && report.difference === undefined
}

/** Of lists that are still in use: it is made before the file is shown, in a task of its own. */
const named = new WeakMap<readonly TensorReport[], ReadonlyMap<string, TensorReport>>()

/** Tensors by their names. Cost: one pass, once a list. */
export function byNameOf(tensors: readonly TensorReport[]): ReadonlyMap<string, TensorReport> {
  const known = named.get(tensors) ?? new Map(tensors.map((tensor) => [tensor.name, tensor]))
  named.set(tensors, known)
  return known
}

export const fileReducers = {
  opening(name: string) {
    useFile.setState({ status: 'opening', opening: name, error: null })
  },
  opened(grant: Grant, report: FileReport, source: OpenSource = { of: 'model' }) {
    useFile.setState({
      status: 'open',
      grant,
      source,
      report,
      byName: byNameOf(report.tensors),
      opening: null,
      error: null,
      notices: report.notices,
    })
  },
  notice(notice: Message) {
    useFile.setState(({ report, notices }) => (report ? { notices: [...notices, notice] } : {}))
  },
  dismissNotice(notice: Message) {
    useFile.setState(({ notices }) => ({ notices: notices.filter((one) => one !== notice) }))
  },
  failed(error: ErrorReport) {
    useFile.setState((state) => ({ status: state.report ? 'open' : 'none', opening: null, error }))
  },
  /** Nothing was chosen: as it was before. */
  abandoned() {
    useFile.setState((state) => ({ status: state.report ? 'open' : 'none', opening: null, error: null }))
  },
  dismissed() {
    useFile.setState({ error: null })
  },
  closed() {
    useFile.setState(none)
  },
}
