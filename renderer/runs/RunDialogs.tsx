/** What is told or asked of one run: above the lists, which go on changing under it as other runs end. */
import { useFocusReturn } from '@mantine/hooks'
import { runsReducers, useRuns } from '../model/running/runs.ts'
import { ForgetQuestion } from './ForgetQuestion.tsx'
import { RunDetails } from './RunDetails.tsx'

export function RunDialogs() {
  const dialog = useRuns((state) => state.dialog)
  const run = useRuns(({ runs }) => runs.find(({ runId }) => runId === dialog?.runId))
  useFocusReturn({ opened: dialog !== null })
  if (!dialog || !run) return null
  const Dialog = dialog.kind === 'details' ? RunDetails : ForgetQuestion
  return <Dialog onClose={runsReducers.answered} run={run} />
}
