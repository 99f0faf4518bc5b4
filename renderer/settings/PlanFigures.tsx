/** Under the goal: what it comes to, exactly, once the model has been analyzed; before, the offer to do so. */
import { useMemo } from 'react'
import { goalOf } from '../choices/goal.ts'
import { useParams } from '../choices/params.ts'
import { AnalyzeButton, AnalyzePlace } from '../model/AnalyzeModel.tsx'
import { usePlanShown } from '../model/outlook.ts'
import { isAnalyzed, usePlan } from '../model/plan.ts'
import { useRefusal } from '../model/refusal.ts'
import { useSentences, useWords } from '../words/words.ts'

export function PlanFigures() {
  return (
    <AnalyzePlace>
      <Figures />
    </AnalyzePlace>
  )
}

function Figures() {
  const { t, numbers } = useWords()
  const { answer, exact } = usePlanShown()
  const params = useParams((state) => state.params)
  const analyzed = usePlan((state) => isAnalyzed(state, params))
  const refused = useRefusal()
  const sentences = useSentences()
  const ranks = useMemo(() => answer?.report.tensors.flatMap(({ rank }) => rank ?? []).sort((a, b) => a - b), [answer])
  if (!answer) {
    return (
      <div className="plan-offer">
        <AnalyzeButton />
        {refused ? (
          <p className="plan-refused">{sentences(refused.said)}</p>
        ) : analyzed ? null : (
          <p className="field-help">{t(goalOf(params) === 'size' ? 'plan.offerSize' : 'plan.offer')}</p>
        )}
      </div>
    )
  }
  const { bytesAfter, relativeError, errorIsLeast } = answer.report
  const error = numbers.percent(relativeError)
  const [least, most] = [ranks?.[0], ranks?.at(-1)]
  return (
    <dl className="plan-figures" data-exact={exact} data-testid="plan-figures">
      <div>
        <dt>{t('plan.size')}</dt>
        <dd title={t('plan.bytes', { bytes: numbers.count(bytesAfter) })}>{numbers.bytes(bytesAfter)}</dd>
      </div>
      <div>
        <dt>{t('plan.error')}</dt>
        <dd title={errorIsLeast ? t('plan.leastHelp') : undefined}>
          {errorIsLeast ? t('result.least', { value: error }) : error}
        </dd>
      </div>
      <div>
        <dt>{t('plan.ranks')}</dt>
        <dd>
          {least === undefined || most === undefined
            ? '–'
            : least === most
              ? numbers.count(least)
              : t('plan.range', { least: numbers.count(least), most: numbers.count(most) })}
        </dd>
      </div>
    </dl>
  )
}
