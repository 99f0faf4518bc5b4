/** Goal, outcome, action: one row at the top of the workbench, whatever is looked at below. */
import { Button, Kbd, Tooltip } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { memo, useRef } from 'react'
import { useFile } from '../choices/file.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useModKey } from '../frame/mod-key.ts'
import { useStages } from '../frame/stages.ts'
import { useAnswerGoal } from '../model/answering/answers.ts'
import { canCompress, useOutcome } from '../model/figures/outcome.ts'
import { useRankShown } from '../model/figures/rank-shown.ts'
import type { TensorView } from '../model/looking/view.ts'
import { planReducers, untold, usePlan } from '../model/planning/plan.ts'
import { cancelPlan } from '../model/planning/plan-actions.ts'
import { useRunningPlan } from '../model/planning/running-plan.ts'
import { useWords } from '../words/words.ts'
import { AnswerSearch, SearchButton } from './AnswerGoal.tsx'
import { GoalFields } from './GoalFields.tsx'
import { OutcomeFigures } from './OutcomeFigures.tsx'
import { PlannedOutcome } from './PlannedOutcome.tsx'

interface OutcomeCardProps {
  /** The tensor on show. */
  readonly view: TensorView | null
  readonly onCompress: () => void
}

export const OutcomeCard = memo(function OutcomeCard({ view, onCompress }: OutcomeCardProps) {
  const { t } = useWords()
  const { rank } = useRankShown(view)
  const outcome = useOutcome()
  const analyzing = useRunningPlan()?.long === true
  const failure = usePlan(untold)
  const place = useRef<HTMLElement>(null)
  const answers = useAnswerGoal()
  // What keeps the answers is not known before forms have been run.
  const searching = answers !== null && answers.found === null
  const ready = canCompress(outcome) && !searching
  useHotkeys([['mod+Enter', () => ready && onCompress()]], [])
  // The goal, what it comes to.
  const made = useStages(1, { atOnce: 1 })
  return (
    <section aria-label={t('outcome.title')} className="outcome" ref={place} tabIndex={-1}>
      <GoalFields outcome={outcome} rank={rank} view={view} />
      {/* Asking for the analysis takes the words away that were pressed: the focus goes to the card. */}
      {made < 1 ? null : searching ? (
        <OutcomeFigures outcome={{ ...outcome, ...nothingKnown, state: 'unknown' }} progress={<AnswerSearch />} />
      ) : (
        <PlannedOutcome onAsk={() => place.current?.focus()} outcome={outcome} />
      )}
      <div className="outcome-action">
        {searching ? <SearchButton /> : null}
        {/* What a rank comes to in bytes is known without an analysis; a goal has to wait for it. */}
        {!searching && (ready || !analyzing) ? <CompressButton onCompress={onCompress} ready={ready} /> : null}
        {analyzing && !searching ? (
          <>
            <Button color="gray" onClick={cancelPlan} variant="light">
              {t('app.cancel')}
            </Button>
            <p className="outcome-hint">{t('outcome.goesOn')}</p>
          </>
        ) : null}
      </div>
      {failure && outcome.state !== 'refused' ? (
        <div className="outcome-failure">
          <ErrorBox error={failure} onClose={planReducers.dismissed} />
        </div>
      ) : null}
    </section>
  )
})

/** Of a size that is looked for. */
const nothingKnown = { bytesAfter: null, compressed: null, rounded: 0 } as const

interface CompressButtonProps {
  readonly ready: boolean
  readonly onCompress: () => void
}

const CompressButton = memo(function CompressButton({ ready, onCompress }: CompressButtonProps) {
  const { t } = useWords()
  const mod = useModKey()
  const of = useFile(({ report }) => report?.difference?.of)
  return (
    <Tooltip
      label={
        ready ? (
          <>
            <Kbd>{mod}</Kbd> <Kbd>Enter</Kbd>
          </>
        ) : (
          t('outcome.notReady')
        )
      }
    >
      <Button disabled={!ready} onClick={onCompress}>
        {t(of ? `adapter.bar.${of}` : 'bar.compress')}
      </Button>
    </Tooltip>
  )
})
