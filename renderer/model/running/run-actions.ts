/** Runs: they live with the host, the page only asks for them. */
import { type DifferenceReport, type Grant, type Run, type RunRequest, recipeText } from '../../../core/contract.ts'
import { adapterCommand } from '../../../core/report/command.ts'
import { defaultStyle, styleIds } from '../../../core/styles.ts'
import { choicesFor, useAdapter } from '../../choices/adapter.ts'
import { useFile } from '../../choices/file.ts'
import { useParams } from '../../choices/params.ts'
import { rulesOf } from '../../choices/rules.ts'
import { useSelection } from '../../choices/selection.ts'
import { statisticsHash, useStatistics } from '../../choices/statistics.ts'
import { connection } from '../../frame/connection.ts'
import { useSession } from '../../frame/session.ts'
import { cancelLook } from '../looking/analysis.ts'
import { isActive, runsReducers, useRuns } from './runs.ts'

/**
 * Starts writing the open file to `target` with the parameters and choices as they stand; what is there is replaced only where the user was
 * asked. @throws AppError of the host
 */
export async function startRun(target: Grant, force: boolean): Promise<void> {
  const { grant } = useFile.getState()
  if (!grant) return
  const asked = askedNow()
  // A run uses all threads: looking pauses.
  cancelLook()
  const { recipe: _, ...recipe } = currentRecipe()
  const { chosen } = useStatistics.getState()
  const runId = await connection().host.startRun({
    kind: 'compress',
    files: { model: grant.id, ...(chosen && { statistics: chosen.grant.id }) },
    target: target.id,
    ...recipe,
    force,
  })
  if (asked) runsReducers.asked(runId, asked)
  await refreshRuns()
}

/** Starts writing the adapter of the open differences. @throws AppError of the host */
export async function startAdapterRun(target: Grant, force: boolean): Promise<void> {
  const { grant, report, source } = useFile.getState()
  if (!grant || !report?.difference || source.of === 'model') return
  const asked = askedNow()
  cancelLook()
  const { params } = useParams.getState()
  const { include, exclude, pins } = currentChoices()
  const { form } = report.difference
  const { convRank, whole, oneRank, rule } = choicesFor(form, useAdapter.getState())
  const common = { target: target.id, form, params, oneRank, rule, include, exclude, ...(pins && { pins }), force }
  const run: RunRequest =
    source.of === 'pair'
      ? { kind: 'extract', files: { base: source.base.id, tuned: grant.id }, ...common, convRank, whole }
      : { kind: 'resize', files: { adapter: grant.id, ...(source.base && { base: source.base.id }) }, ...common }
  const runId = await connection().host.startRun(run)
  if (asked) runsReducers.asked(runId, asked)
  await refreshRuns()
}

/** What a run that begins now is asked for; null without a file. */
function askedNow() {
  const { report } = useFile.getState()
  return report && { fileId: report.fileId, recipe: recipeText(currentQuestion()) }
}

/** The command line that writes it. */
export function adapterCommandFor(difference: DifferenceReport, target: string): string {
  const { names, relativeTo, form, of, adapter } = difference
  const { host } = useSession.getState()
  return adapterCommand({
    sources: names,
    relativeTo,
    form: of === 'adapter' && form === adapter?.form ? null : form,
    target,
    ...choicesFor(form, useAdapter.getState()),
    recipe: currentQuestion(),
    ...(host && { program: host.command, platform: host.platform }),
  })
}

/** What the page would do now with a model, as a recipe. */
export function currentRecipe() {
  const { params, output } = useParams.getState()
  return { ...currentChoices(), params, output: styleIds.find((id) => id === output) ?? defaultStyle }
}

/** What decides the bytes of whatever would be written now. */
export function currentQuestion() {
  const { params, output } = useParams.getState()
  const { report } = useFile.getState()
  const { convRank, oneRank, rule } = useAdapter.getState()
  const choices = { ...currentChoices(), params, output }
  return report?.difference ? { ...choices, options: { convRank, oneRank, rule } } : choices
}

function currentChoices() {
  const { include, exclude, pins } = rulesOf(useFile.getState().report?.tensors ?? [], useSelection.getState())
  return {
    recipe: 1 as const,
    include: [...include],
    exclude: [...exclude],
    ...(pins && { pins: [...pins] }),
    ...statisticsHash(),
  }
}

/** A run of this host as it stands now. */
export function hearRun(run: Run): void {
  heardAt.set(run.runId, Date.now())
  runsReducers.changed(run, Date.now())
}
const heardAt = new Map<string, number>()

/** A run that has said nothing for so long is asked about. */
const silenceMs = 5000

/** Runs of the command line and of other windows tell this page nothing: while one is at work the list is asked for. */
export function askForSilentRuns(): void {
  setInterval(() => {
    const now = Date.now()
    const silent = ({ runId }: Run) => now - (heardAt.get(runId) ?? 0) > silenceMs
    const { connected } = useSession.getState()
    // A host that cannot answer now is asked again; that it is away is said elsewhere.
    if (connected && useRuns.getState().runs.some((run) => isActive(run) && silent(run))) refreshRuns().catch(() => {})
  }, silenceMs)
}

/** The host's list as it stands: runs of the command line are in it and send no events. */
export async function refreshRuns(): Promise<void> {
  runsReducers.listed(await connection().host.runs(), Date.now())
}

/** @throws AppError of the host, when the source or what was finished is no longer there */
export async function resumeRun(runId: string): Promise<void> {
  cancelLook()
  try {
    await connection().host.resumeRun(runId)
  } finally {
    // Also where it was refused: the command line may have resumed it, which this page was not told.
    await refreshRuns()
  }
}

const watchedKey = 'ghostsvd.watched'

/** What this window has seen at work is remembered for as long as it lives: a reload still says how it ended. */
export function rememberWatched(): void {
  const stored = sessionStorage.getItem(watchedKey)
  if (stored !== null) runsReducers.watch(JSON.parse(stored) as string[])
  useRuns.subscribe(({ watched }, before) => {
    if (watched !== before.watched) sessionStorage.setItem(watchedKey, JSON.stringify([...watched]))
  })
}

export const pauseRun = (runId: string, paused: boolean) => connection().host.pauseRun(runId, paused)
export const cancelRun = (runId: string, keep: boolean) => connection().host.cancelRun(runId, keep)
/** Finished tensors kept for later go with it. @throws AppError of the host */
export const forgetRun = (runId: string) => connection().host.forgetRun(runId)
export const runReport = (runId: string) => connection().host.runReport(runId)
export const pickTarget = (suggestedName: string) => connection().host.pickTarget(suggestedName)
export const createTarget = (folder: Grant, name: string) => connection().host.createTarget(folder.id, name)
/** Loopback: where a run wrote last, from the named folder down. */
export const lastOutputFolder = () => connection().host.outputFolder()
export const linksOut = (folder: Grant) => connection().host.linksOut(folder.id)

export const listFolder = (folder: Grant | null) => connection().host.listFolder(folder?.id ?? null)
export const runPlaces = (runId: string) => connection().host.runPlaces(runId)
export const showInFolder = (runId: string) => connection().host.showInFolder(runId)
