/** Running compressed forms beside the open model, in the engine's foreground: whatever else it does would be in the times. */
import { faultOf } from '../../../core/client/latest.ts'
import type { Grant, Run } from '../../../core/contract.ts'
import { toErrorReport } from '../../../core/errors.ts'
import { useFile } from '../../choices/file.ts'
import { useSamples } from '../../choices/samples.ts'
import { selectionReducers } from '../../choices/selection.ts'
import { connection } from '../../frame/connection.ts'
import { sessionReducers } from '../../frame/session.ts'
import { openFrom } from '../file/file-actions.ts'
import { cancelLook } from '../looking/analysis.ts'
import { dropWork, want } from '../looking/work.ts'
import { useRuns } from '../running/runs.ts'
import { closeAll, openAll, sampleOptions } from './sample-files.ts'
import { type Candidate, candidatesOf, chosenOf, tryReducers, useTry } from './try.ts'

let attempts = 0

/** What is chosen, beside the open model. */
export async function startTry(): Promise<void> {
  const { report } = useFile.getState()
  if (!report) return
  const { files, chosen } = useTry.getState()
  const candidates = chosenOf(candidatesOf(useRuns.getState().runs, report.name, files), chosen)
  const mine = ++attempts
  tryReducers.opening()
  const opened: string[] = []
  try {
    const grants: Grant[] = []
    for (const candidate of candidates) grants.push(await grantOf(candidate))
    const compressed = await openAll(grants)
    opened.push(...compressed)
    const inputs = await openAll(useSamples.getState().given.try)
    opened.push(...inputs)
    if (mine !== attempts) return closeAll(opened)
    cancelLook()
    tryReducers.asked()
    want('try', {
      onFile: true,
      request: () => {
        const model = useFile.getState().report?.fileId
        if (model === undefined) return null
        return { kind: 'try', files: { model, compressed, inputs }, ...sampleOptions('try') }
      },
      end: (how) => {
        closeAll(opened)
        if (how.type === 'finished' && how.result.kind === 'try')
          tryReducers.finished({ report: how.result.report, candidates })
        else tryReducers.failed(faultOf(how))
      },
    })
  } catch (error) {
    closeAll(opened)
    if (mine === attempts) tryReducers.failed(toErrorReport(error))
  }
}

async function grantOf({ id, grant }: Candidate): Promise<Grant> {
  return grant ?? connection().host.openRun(id, 'target')
}

export function cancelTry(): void {
  attempts++
  dropWork('try')
  tryReducers.failed(null)
}

/** What a run has written, beside what it was made of: opened where another file is open. */
export async function tryRun({ runId, sourceName }: Run): Promise<void> {
  if (useFile.getState().report?.name !== sourceName)
    await openFrom(sourceName, () => connection().host.openRun(runId, 'source'))
  if (useFile.getState().report?.name !== sourceName) return
  sessionReducers.show('workbench')
  selectionReducers.tab('try')
  tryReducers.choose([runId])
  await startTry()
}
