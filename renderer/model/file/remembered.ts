/**
 * What was chosen for each file, kept for the next time it is opened: goal, parameters, rules, pins, and where one was looking. It lives in
 * the browser, by the file's name and size: the page knows no path. What was found out is not kept here: an analysis is asked for again, and
 * the engine answers from the sketches it has kept on disk.
 */
import { z } from 'zod'
import type { FileReport } from '../../../core/contract.ts'
import { recipeSchema } from '../../../core/contract.ts'
import { defaultStyle, styleIds } from '../../../core/styles.ts'
import { useFile } from '../../choices/file.ts'
import { paramsReducers, useParams } from '../../choices/params.ts'
import { rulesOf } from '../../choices/rules.ts'
import { lenses, selectionReducers, tabs, useSelection } from '../../choices/selection.ts'
import { pendingCall } from '../../frame/pending-call.ts'

const storedKey = 'ghostsvd.choices'
/** Files that are remembered, the last used first. */
const mostFiles = 20
const settleMs = 500

const storedSchema = z.array(
  z.object({
    file: z.string(),
    recipe: recipeSchema,
    tensor: z.string().nullable(),
    tab: z.enum(tabs),
    lens: z.enum(lenses),
  }),
)
type Stored = z.infer<typeof storedSchema>

const settling = pendingCall()
const keyOf = ({ name, totalBytes, tensors }: FileReport) => `${name}/${totalBytes}/${tensors.length}`

/** From now on what is chosen is kept. Called once. */
export function rememberChoices(): void {
  for (const store of [useParams, useSelection]) store.subscribe(() => settling.in(settleMs, keep))
  addEventListener('pagehide', () => settling.cancel() && keep())
}

function keep(): void {
  const { report } = useFile.getState()
  if (!report || report.difference) return
  const { params } = useParams.getState()
  const selection = useSelection.getState()
  const { tensor, tab, lens } = selection
  const { include, exclude, pins } = rulesOf(report.tensors, selection)
  const rules = { include: [...include], exclude: [...exclude], ...(pins && { pins: [...pins] }) }
  const file = keyOf(report)
  const one = { file, recipe: { recipe: 1 as const, output: modelOutput(), params, ...rules }, tensor, tab, lens }
  const all: Stored = [one, ...read().filter((other) => other.file !== file)].slice(0, mostFiles)
  try {
    localStorage.setItem(storedKey, JSON.stringify(all))
  } catch {
    // Full, or refused by the browser: the file opens next time as for the first time.
  }
}

/** As the file was left. Says whether it was known. */
export function recallChoices(report: FileReport): boolean {
  if (report.difference) return false
  const found = read().find(({ file }) => file === keyOf(report))
  if (!found) return false
  const { recipe, tensor, tab, lens } = found
  const { output, params, include, exclude, pins } = recipe
  paramsReducers.set(params)
  paramsReducers.output(output)
  selectionReducers.rules({ include, exclude, pins }, report.tensors)
  if (tensor !== null && report.tensors.some(({ name }) => name === tensor)) selectionReducers.select(tensor)
  selectionReducers.tab(tab)
  selectionReducers.lens(lens)
  return true
}

function modelOutput() {
  const { output } = useParams.getState()
  return styleIds.find((id) => id === output) ?? defaultStyle
}

function read(): Stored {
  try {
    return storedSchema.parse(JSON.parse(localStorage.getItem(storedKey) ?? '[]'))
  } catch {
    // Written by another version.
    return []
  }
}
