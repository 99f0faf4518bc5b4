/** Compression runs: they live with the host, the page only asks for them. */
import type { Grant, RunRequest, TensorReport } from '../../core/contract.ts'
import { useFile } from '../store/file.ts'
import { useParams } from '../store/params.ts'
import { runsReducers } from '../store/runs.ts'
import { isCompressed, type SelectionState, useSelection } from '../store/selection.ts'
import { cancelAnalysis } from './analysis.ts'
import { connection } from './connection.ts'

/** Starts writing the open file to `target` with the parameters and choices as they stand. @throws AppError of the host */
export async function startRun(target: Grant, output: RunRequest['output']): Promise<void> {
  const { grant } = useFile.getState()
  if (!grant) return
  // A run uses all threads: looking pauses.
  cancelAnalysis()
  const { host } = connection()
  await host.startRun({
    source: grant.id,
    target: target.id,
    output,
    params: useParams.getState().params,
    ...rulesOf(useFile.getState().report?.tensors ?? [], useSelection.getState()),
  })
  runsReducers.listed(await host.runs(), Date.now())
}

export const cancelRun = (runId: string, keep: boolean) => connection().host.cancelRun(runId, keep)
export const runReport = (runId: string) => connection().host.runReport(runId)
export const pickTarget = (suggestedName: string) => connection().host.pickTarget(suggestedName)
export const createTarget = (folder: Grant, name: string) => connection().host.createTarget(folder.id, name)
export const listFolder = (folder: Grant | null) => connection().host.listFolder(folder?.id ?? null)
export const showInFolder = (runId: string) => connection().host.showInFolder(runId)

/**
 * The user's choices as rules of a run. With `include` only those are factorized, so what was taken in names everything that is; without
 * it a list of what was left out is enough.
 */
export function rulesOf(
  tensors: readonly TensorReport[],
  selection: Pick<SelectionState, 'included' | 'excluded'>,
): { include: string[]; exclude: string[] } {
  if (selection.included.size === 0) return { include: [], exclude: [...selection.excluded].map(literalGlob) }
  const chosen = tensors.filter((tensor) => isCompressed(tensor, selection))
  return { include: chosen.map(({ name }) => literalGlob(name)), exclude: [] }
}

/** Rules are globs: a character that means something there is asked for as any one character. */
const literalGlob = (name: string) => name.replace(/[*?{},]/g, '?')
