/** Where a run read and wrote, as the host says it: for texts that are shown and copied. */
import { useCallback, useMemo } from 'react'
import { type Run, type RunPlaces, recipeOf, type TensorOutcome, weightErrorOf } from '../../core/contract.ts'
import { compressCommand } from '../../core/report/command.ts'
import { pythonSnippet, verificationSnippet } from '../../core/report/python.ts'
import { useAnswer } from '../frame/answer.ts'
import { useSession } from '../frame/session.ts'
import { runPlaces } from '../model/running/run-actions.ts'

/**
 * null until the host has answered; without an answer texts have bare names, as a page of an earlier host had them.
 * @param wanted ask only then
 */
export function useRunPlaces(runId: string, wanted: boolean): RunPlaces | null {
  const ask = useCallback(() => runPlaces(runId), [runId])
  return useAnswer(wanted ? ask : null).answer
}

/**
 * A compression as a line for the shell, and what loads and verifies its output in Python: as they run on the host's machine. Null for
 * other runs.
 */
export function useRunTexts(run: Run, places: RunPlaces | null, tensors: readonly TensorOutcome[] = []) {
  const { sourceName, target, result, statisticsName: statistics = null } = run
  const host = useSession((state) => state.host)
  const at = places ?? { source: sourceName, target, statistics }
  const recipe = recipeOf(run)
  const ofHost = host && { program: host.command, platform: host.platform }
  const worst = useMemo(() => worstOf(tensors), [tensors])
  // Python holds weights against weights, whatever the run weighed them by.
  const modelError = result && weightErrorOf(result)
  if (recipe === null) return null
  const output = { recipe, target: at.target, files: result?.files ?? 1 }
  return {
    command: compressCommand({
      sourcePath: at.source,
      target: at.target,
      statisticsPath: at.statistics,
      recipe,
      ...ofHost,
    }),
    python: pythonSnippet(output),
    verify: verificationSnippet({ ...output, source: at.source, worst, modelError }),
  }
}

/** The matrix whose weights have the largest error; null before the tensors of the run are known. */
function worstOf(tensors: readonly TensorOutcome[]): { name: string; error: number } | null {
  let worst: { name: string; error: number } | null = null
  for (const { name, action, relativeError, weightError } of tensors) {
    const error = weightError ?? relativeError
    if (action === 'factorized' && error !== null && error > (worst?.error ?? -1)) worst = { name, error }
  }
  return worst
}
