/** Runs at work and how the newest seen at work ended, at the foot of the page. They go on while the page looks at something else. */
import { Anchor } from '@mantine/core'
import { memo } from 'react'
import { sessionReducers } from '../frame/session.ts'
import { isActive, stripRuns, useRuns } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'
import { ActiveRun } from './ActiveRun.tsx'
import { EndedRun } from './EndedRun.tsx'

export const RunStrip = memo(function RunStrip() {
  const { t, numbers } = useWords()
  const { shown, more } = stripRuns(useRuns())
  return shown.length === 0 ? null : (
    <div className="runs">
      {shown.map((run) =>
        isActive(run) ? <ActiveRun key={run.runId} run={run} /> : <EndedRun key={run.runId} run={run} />,
      )}
      {more > 0 ? (
        <p className="runs-more small">
          <Anchor component="button" inherit onClick={() => sessionReducers.show('history')} type="button">
            {t('runs.inHistory', { count: more, number: numbers.count(more) })}
          </Anchor>
        </p>
      ) : null}
    </div>
  )
})
