/** The one analysis after which every goal is instant: the button that starts it, and how far it is. */
import { Button, Progress } from '@mantine/core'
import { type ReactNode, useRef } from 'react'
import { useParams } from '../choices/params.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { useWords } from '../words/words.ts'
import { isAnalyzed, planReducers, untold, usePlan } from './plan.ts'
import { analyzeModel, cancelPlan } from './plan-actions.ts'
import { useRunningPlan } from './running-plan.ts'

/** Asking for the analysis takes the button away: the focus goes to the place where what it finds will stand. */
export function AnalyzePlace({ children }: { readonly children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null)
  return (
    <div className="analyze-place" onClickCapture={() => place.current?.focus()} ref={place} tabIndex={-1}>
      {children}
    </div>
  )
}

export function AnalyzeButton() {
  const { t } = useWords()
  const params = useParams((state) => state.params)
  const done = usePlan((state) => isAnalyzed(state, params))
  const running = useRunningPlan()?.long === true
  return done && !running ? (
    <span className="dimmed small nowrap">{t('plan.done')}</span>
  ) : (
    <Button disabled={running} onClick={analyzeModel} size="compact-sm" variant="light">
      {t('plan.analyze')}
    </Button>
  )
}

/** A line above the file's own, as long as the analysis goes on or once it has failed. */
export function AnalysisStrip() {
  const { t, numbers } = useWords()
  const running = useRunningPlan()
  const failure = usePlan(untold)
  if (failure) return <ErrorBox error={failure} onClose={planReducers.dismissed} />
  if (!running?.long) return null
  const { share, tensor, waiting } = running
  return (
    <div className="analysis" data-share={share} data-testid="model-analysis" data-waiting={waiting}>
      <span className="analysis-name">{t('plan.running')}</span>
      <Progress aria-label={t('plan.progress')} className="analysis-progress" value={share * 100} />
      <span className="number nowrap">{numbers.percent(Math.floor(share * 1000) / 1000)}</span>
      <span className="dimmed ellipsis analysis-tensor">{waiting ? t('plan.waiting') : tensor}</span>
      <Button color="gray" onClick={cancelPlan} size="compact-sm" variant="default">
        {t('app.cancel')}
      </Button>
    </div>
  )
}
