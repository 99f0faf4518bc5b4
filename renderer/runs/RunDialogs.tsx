/** What is told or asked of one run: above the lists, which go on changing under it as other runs end. */
import { useFocusReturn } from '@mantine/hooks'
import { type RunDialog, runsReducers, useRuns } from '../model/running/runs.ts'
import { CancelQuestion } from './CancelQuestion.tsx'
import { ForgetQuestion } from './ForgetQuestion.tsx'
import { RunDetails } from './RunDetails.tsx'

const dialogs: Readonly<Record<RunDialog, typeof RunDetails | typeof CancelQuestion | typeof ForgetQuestion>> = {
  details: RunDetails,
  forget: ForgetQuestion,
  cancel: CancelQuestion,
}

export function RunDialogs() {
  const dialog = useRuns((state) => state.dialog)
  const run = useRuns(({ runs }) => runs.find(({ runId }) => runId === dialog?.runId))
  useFocusReturn({ opened: dialog !== null })
  if (!dialog || !run) return null
  const Dialog = dialogs[dialog.kind]
  return <Dialog onClose={runsReducers.answered} run={run} />
}
