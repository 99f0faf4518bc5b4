/** Files that one job reads beside the open model: opened for it, closed after it, so that none is known to an engine that has gone. */
import type { Grant } from '../../../core/contract.ts'
import { type SampleUse, useSamples } from '../../choices/samples.ts'
import { connection } from '../../frame/connection.ts'

/** @throws AppError of the format; then none of them stays open */
export async function openAll(grants: readonly Grant[]): Promise<string[]> {
  const ids: string[] = []
  try {
    for (const { id } of grants) ids.push((await connection().engine.open(id)).fileId)
    return ids
  } catch (error) {
    closeAll(ids)
    throw error
  }
}

export function closeAll(fileIds: readonly string[]): void {
  // An engine that died meanwhile has closed them.
  for (const fileId of fileIds)
    connection()
      .engine.close(fileId)
      .catch(() => {})
}

/** As jobs that run a model take it. */
export function sampleOptions(use: SampleUse) {
  const { drawn, sizes } = useSamples.getState()
  return { samples: drawn[use], sizes: { ...sizes } }
}
