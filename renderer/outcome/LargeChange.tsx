/** A large change is said before it is written, with the way to a smaller one; so is one that nobody has measured. */
import { Button, Tooltip } from '@mantine/core'
import { WarningIcon } from '../frame/icons.tsx'
import { largeChange } from '../model/figures/outcome.ts'
import { setGoal } from '../model/looking/analysis.ts'
import { useWords } from '../words/words.ts'

/** Nothing stands for an error that is not known: it may be of any size. How it can be known stands in the outcome. */
export function UnknownChange() {
  const { t, numbers } = useWords()
  return (
    <div className="large-change" data-testid="unknown-change">
      <WarningIcon />
      <p>{t('outcome.unknownChange', { limit: numbers.tickPercent(largeChange) })}</p>
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
