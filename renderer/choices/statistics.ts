/** Which statistics of inputs errors are weighed by: of the open model, until another file is opened. */
import { create } from 'zustand'
import type { Grant, StatisticsLook } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'

type Covered = StatisticsLook['tensors'][number]

/** As the engine has held it against the open model. */
export interface ChosenStatistics {
  readonly grant: Grant
  /** In the engine there is now. */
  readonly fileId: string
  readonly look: StatisticsLook
  readonly covered: ReadonlyMap<string, Covered>
}

interface StatisticsState {
  readonly chosen: ChosenStatistics | null
  /** The name of a file that is being read. */
  readonly reading: string | null
  /** Why the last file was refused; what was chosen before stays. */
  readonly fault: ErrorReport | null
  /** The hash that the last recipe names: what it weighs by; null for one that weighs by none. */
  readonly wanted: string | null
}

const none: StatisticsState = { chosen: null, reading: null, fault: null, wanted: null }

export const useStatistics = create<StatisticsState>(() => none)

export const statisticsReducers = {
  reset() {
    useStatistics.setState(none)
  },
  wanted(wanted: string | null) {
    useStatistics.setState({ wanted })
  },
  reading(name: string) {
    useStatistics.setState({ reading: name, fault: null })
  },
  chosen(grant: Grant, fileId: string, look: StatisticsLook) {
    const covered = new Map(look.tensors.map((tensor) => [tensor.name, tensor]))
    useStatistics.setState({ chosen: { grant, fileId, look, covered }, reading: null, fault: null })
  },
  /** The same file in a new engine. */
  reopened(fileId: string) {
    useStatistics.setState(({ chosen }) => (chosen ? { chosen: { ...chosen, fileId } } : {}))
  },
  failed(fault: ErrorReport) {
    useStatistics.setState({ reading: null, fault })
  },
  abandoned() {
    useStatistics.setState({ reading: null })
  },
  dismissed() {
    useStatistics.setState({ fault: null })
  },
}

/** The roles of a job about the open model. */
export function withStatistics(model: string): { model: string; statistics?: string } {
  const { chosen } = useStatistics.getState()
  return chosen ? { model, statistics: chosen.fileId } : { model }
}

/** As a recipe names them; nothing where every weight counts alike. */
export function statisticsHash(): { statistics?: string } {
  const { chosen } = useStatistics.getState()
  return chosen ? { statistics: chosen.look.hash } : {}
}
