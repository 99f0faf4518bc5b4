/** Of two models that are open side by side: what one pass over both has found. */
import { useMemo } from 'react'
import { create } from 'zustand'
import { faultOf } from '../../../core/client/latest.ts'
import type { PairReport } from '../../../core/contract.ts'
import { differenceNoise, type NoiseJudged } from '../../../core/curves/noise-line.ts'
import type { ErrorReport } from '../../../core/errors.ts'
import { viewOf } from '../../../core/plan/describe.ts'
import { useFile } from '../../choices/file.ts'
import { useOutlook } from '../figures/outlook.ts'
import { dropWork, want } from './work.ts'

type Difference = PairReport['differences'][number]

interface PairState {
  readonly report: PairReport | null
  readonly byName: ReadonlyMap<string, Difference>
  readonly fault: ErrorReport | null
}

const none: PairState = { report: null, byName: new Map(), fault: null }

export const usePair = create<PairState>(() => none)

export function forgetPair(): void {
  dropWork('pair')
  usePair.setState(none)
}

/** Asks for it, once for each pair that is opened. */
export function lookAtPair(): void {
  usePair.setState({ fault: null })
  want('pair', {
    lane: 'background',
    onFile: true,
    request: () => {
      const { report } = useFile.getState()
      return report?.difference?.of === 'pair' ? { kind: 'pair', files: { model: report.fileId } } : null
    },
    end: (how) => {
      usePair.setState({ fault: faultOf(how) })
      if (how.type !== 'finished' || how.result.kind !== 'pair') return
      const { report } = how.result
      usePair.setState({ report, byName: new Map(report.differences.map((each) => [each.name, each])) })
    },
  })
}

/** Share of the difference (squared norm) that has no low-rank structure at the ranks it would be written at; null until they are known, with their errors. */
export function useNoiseShare(): number | null {
  const tensors = useFile(({ report }) => report?.tensors)
  const byName = usePair((state) => state.byName)
  const outlook = useOutlook()
  return useMemo(() => {
    const matrices: NoiseJudged[] = []
    for (const tensor of tensors ?? []) {
      const view = viewOf(tensor)
      const norm = byName.get(tensor.name)?.norm ?? 0
      const { kept, rank, error } = outlook(tensor)
      if (!view || norm === 0 || kept) continue
      if (rank === null) return null
      matrices.push({ ...view, norm, rank, error })
    }
    return differenceNoise(matrices)
  }, [tensors, byName, outlook])
}
