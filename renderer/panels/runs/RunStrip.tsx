/** Runs at work and how those seen at work ended, above the bottom bar. They go on while the page looks at something else. */
import { isActive, stripRuns, useRuns } from '../../store/runs.ts'
import { ActiveRun } from './ActiveRun.tsx'
import { EndedRun } from './EndedRun.tsx'

export function RunStrip() {
  const shown = stripRuns(useRuns())
  return shown.length === 0 ? null : (
    <div className="runs">
      {shown.map((run) =>
        isActive(run) ? <ActiveRun key={run.runId} run={run} /> : <EndedRun key={run.runId} run={run} />,
      )}
    </div>
  )
}
