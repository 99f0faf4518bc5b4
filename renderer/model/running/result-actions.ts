/** What is done with a run once it is over: its output opened or fetched, its source opened again with its recipe. */
import { downloadPath, type Run, recipeOf, weightErrorOf } from '../../../core/contract.ts'
import { say } from '../../../core/messages/english.ts'
import { fileName } from '../../../core/messages/text.ts'
import { fileReducers } from '../../choices/file.ts'
import { connection } from '../../frame/connection.ts'
import { saveFrom } from '../../frame/download.ts'
import { openFrom } from '../file/file-actions.ts'
import { applyRecipe } from './recipes.ts'

/** What a run has written, in the workbench. */
export const openResult = ({ runId, target }: Run) => openFrom(target, () => connection().host.openRun(runId, 'target'))
/** Loopback: to the machine whose browser this is. @throws AppError `not-found` where it is gone */
export async function downloadResult({ runId }: Run): Promise<void> {
  const { id, name } = await connection().host.openRun(runId, 'target')
  saveFrom(`${downloadPath}?file=${encodeURIComponent(id)}`, name)
}
/** The source of a run with everything the run was asked for, ready to be changed. */
export async function runAgainWith(run: Run): Promise<void> {
  const { runId, sourceName } = run
  const recipe = recipeOf(run)
  await openFrom(sourceName, () => connection().host.openRun(runId, 'source'))
  if (recipe) applyRecipe(recipe)
  // Whose settings these are, and what they came to then: nothing else on the workbench says it.
  if (!recipe) return
  const name = fileName(run.target)
  const { result } = run
  const error = result && weightErrorOf(result)
  fileReducers.notice(
    error === null ? say('run.settings-of', { name }) : say('run.settings-of-measured', { name, error }),
  )
}
