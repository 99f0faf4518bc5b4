/** The outcome of the choices as they stand, with what is not known yet and its price, or how far its analysis has come. */
import { Anchor, Progress } from '@mantine/core'
import type { ErrorReport } from '../../core/errors.ts'
import { sizeGoalBytes } from '../../core/plan/goals.ts'
import type { Nothing } from '../../core/plan/nothing.ts'
import { useFile } from '../choices/file.ts'
import { useParams } from '../choices/params.ts'
import { useNothing } from '../model/figures/nothing.ts'
import { type Outcome, smallestSize } from '../model/figures/outcome.ts'
import { useTradeOff } from '../model/figures/trade-off.ts'
import { changeParams, setGoal } from '../model/looking/analysis.ts'
import { usePlan } from '../model/planning/plan.ts'
import { analyzeModel } from '../model/planning/plan-actions.ts'
import { useAnalysisPrice } from '../model/planning/price.ts'
import { type RunningPlan, useRunningPlan } from '../model/planning/running-plan.ts'
import { useWords } from '../words/words.ts'
import { OutcomeFigures } from './OutcomeFigures.tsx'
import { useTimeLeft } from './time-left.ts'

interface PlannedOutcomeProps {
  readonly outcome: Outcome
  /** Asking for the analysis takes away what was pressed. */
  readonly onAsk?: () => void
}

export function PlannedOutcome({ outcome, onAsk }: PlannedOutcomeProps) {
  const running = useRunningPlan()
  const nothing = useNothing(outcome)
  return (
    <OutcomeFigures
      nothing={nothing?.parts}
      outcome={outcome}
      progress={running?.long ? <Analyzing candidates={outcome.candidates} running={running} /> : undefined}
      remedy={
        nothing ? (
          <Instead nothing={nothing} />
        ) : outcome.state === 'unknown' || outcome.state === 'stale' ? (
          <Remedy onAsk={onAsk} />
        ) : outcome.state === 'refused' ? (
          <SmallestSize refusal={outcome.refusal} />
        ) : undefined
      }
    />
  )
}

/** What makes something smaller, a click away. */
function Instead({ nothing: { remedy } }: { readonly nothing: Nothing }) {
  const { t, numbers } = useWords()
  if (!remedy) return null
  const { rank } = remedy
  return (
    <Anchor component="button" onClick={() => changeParams(remedy)} type="button">
      {rank === undefined
        ? t(remedy.denseDType ? 'outcome.keepInInt8' : 'outcome.useInt8')
        : t('outcome.useRank', { rank: numbers.count(rank) })}
    </Anchor>
  )
}

/** One pass over the model, and what it takes. */
function Remedy({ onAsk }: { readonly onAsk: (() => void) | undefined }) {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const price = useAnalysisPrice()
  const seconds = price?.(params)
  return (
    <Anchor
      component="button"
      onClick={() => {
        analyzeModel()
        onAsk?.()
      }}
      type="button"
    >
      {seconds === undefined
        ? t('outcome.analyze')
        : t('outcome.analyzeAbout', { time: numbers.countdown(1000 * seconds) })}
    </Anchor>
  )
}

function Analyzing({ running, candidates }: { readonly running: RunningPlan; readonly candidates: number }) {
  const { t, numbers } = useWords()
  const known = usePlan(({ curves }) => curves.size)
  const left = useTimeLeft(running.share)
  const { share, tensor, waiting } = running
  const counts = { number: numbers.count(Math.min(known, candidates)), total: numbers.count(candidates) }
  return (
    <div className="analysis" data-share={share} data-testid="model-analysis" data-waiting={waiting}>
      <p className="outcome-unknown">
        {left === null
          ? t('outcome.analyzing', counts)
          : t('outcome.analyzingLeft', { ...counts, time: numbers.countdown(left) })}
      </p>
      <Progress aria-label={t('plan.progress')} value={share * 100} />
      <p className="ellipsis">{waiting ? t('plan.waiting') : tensor}</p>
    </div>
  )
}

/** Where a size is out of reach, the smallest that is not. */
function SmallestSize({ refusal }: { readonly refusal: ErrorReport }) {
  const { t, numbers } = useWords()
  const goalSize = useParams((state) => state.params.goalSize)
  const total = useFile((state) => state.report?.totalBytes ?? 0)
  const tradeOff = useTradeOff()
  const least = tradeOff === null || typeof tradeOff === 'string' ? null : tradeOff.least
  const bytes = smallestSize(refusal, sizeGoalBytes({ goalSize }, total), least)
  if (bytes === null) return null
  return (
    <Anchor component="button" onClick={() => setGoal({ goalSize: bytes })} type="button">
      {t('outcome.useSmallest', { bytes: numbers.bytes(bytes), share: numbers.tickPercent(bytes / total) })}
    </Anchor>
  )
}
