/** A large change is said before it is written, with the way to a smaller one; one that nobody has measured, with the way to know it. */
import { Button, Tooltip } from '@mantine/core'
import { useParams } from '../choices/params.ts'
import { WarningIcon } from '../frame/icons.tsx'
import { largeChange } from '../model/figures/outcome.ts'
import { setGoal } from '../model/looking/analysis.ts'
import { analyzeModel } from '../model/planning/plan-actions.ts'
import { useAnalysisPrice } from '../model/planning/price.ts'
import { useRunningPlan } from '../model/planning/running-plan.ts'
import { useWords } from '../words/words.ts'

/** Nothing stands for an error that is not known: it may be of any size. */
export function UnknownChange() {
  const { t, numbers } = useWords()
  const params = useParams((state) => state.params)
  const seconds = useAnalysisPrice()?.(params)
  const analyzing = useRunningPlan()?.long === true
  return (
    <div className="large-change" data-testid="unknown-change">
      <WarningIcon />
      <p>{t('outcome.unknownChange', { limit: numbers.tickPercent(largeChange) })}</p>
      {analyzing ? null : (
        <Button onClick={analyzeModel} size="compact-sm" variant="default">
          {seconds === undefined
            ? t('outcome.analyze')
            : t('outcome.analyzeAbout', { time: numbers.countdown(1000 * seconds) })}
        </Button>
      )}
    </div>
  )
}

export function LargeChange() {
  const { t, numbers } = useWords()
  const limit = numbers.tickPercent(largeChange)
  return (
    <div className="large-change">
      <WarningIcon />
      <p>
        {t('outcome.large', { limit })}{' '}
        <Tooltip
          events={{ hover: true, focus: true, touch: true }}
          label={t('outcome.largeWhyHelp', { limit })}
          multiline
          w={320}
        >
          <button className="large-why" type="button">
            {t('outcome.largeWhy', { limit })}
          </button>
        </Tooltip>
      </p>
      <Button
        onClick={() => setGoal({ goalError: largeChange, goalScope: 'model' })}
        size="compact-sm"
        variant="default"
      >
        {t('outcome.smaller', { limit })}
      </Button>
    </div>
  )
}
