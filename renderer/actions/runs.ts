/** Compression runs: they live with the host, the page only asks for them. */
import type { Grant, RunRequest } from '../../core/contract.ts'
import { useFile } from '../store/file.ts'
import { useParams } from '../store/params.ts'
import { runsReducers } from '../store/runs.ts'
import { useSelection } from '../store/selection.ts'
import { cancelAnalysis } from './analysis.ts'
import { connection } from './connection.ts'

/** Starts writing the open file to `target` with the parameters and choices as they stand. @throws AppError of the host */
export async function startRun(target: Grant, output: RunRequest['output']): Promise<void> {
  const { grant } = useFile.getState()
  if (!grant) return
  // A run uses all threads: looking pauses.
  cancelAnalysis()
  const { included, excluded } = useSelection.getState()
  const { host } = connection()
  await host.startRun({
    source: grant.id,
    target: target.id,
    output,
    params: useParams.getState().params,
    include: [...included],
    exclude: [...excluded],
  })
  runsReducers.listed(await host.runs(), Date.now())
}

export const cancelRun = (runId: string) => connection().host.cancelRun(runId)
export const pickTarget = (suggestedName: string) => connection().host.pickTarget(suggestedName)
export const createTarget = (folder: Grant, name: string) => connection().host.createTarget(folder.id, name)
export const listFolder = (folder: Grant | null) => connection().host.listFolder(folder?.id ?? null)
export const showInFolder = (grantId: string) => connection().host.showInFolder(grantId)
