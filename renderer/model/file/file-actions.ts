/** Opening: from a dialog, a drop, a list or the sample to an open file on the workbench. */
import type { FileReport, Grant } from '../../../core/contract.ts'
import { toErrorReport } from '../../../core/errors.ts'
import type { Message } from '../../../core/messages/message.ts'
import type { AdapterForm } from '../../../core/styles.ts'
import { type AdapterChoices, adapterReducers, firstConvRank, useAdapter } from '../../choices/adapter.ts'
import { fileReducers, type OpenSource, useFile } from '../../choices/file.ts'
import { rulesOf } from '../../choices/rules.ts'
import { samplesReducers } from '../../choices/samples.ts'
import { selectionReducers, useSelection } from '../../choices/selection.ts'
import { connection } from '../../frame/connection.ts'
import { sessionReducers } from '../../frame/session.ts'
import { forgetAnswers } from '../answering/answers.ts'
import { forgetStatistics, recallStatistics, reopenStatistics } from '../answering/statistics.ts'
import { forgetTry } from '../answering/try.ts'
import { analysesReducers } from '../looking/analyses.ts'
import { askForAnalysis, cancelLook, requestAnalysis } from '../looking/analysis.ts'
import { forgetPair, lookAtPair, usePair } from '../looking/pair.ts'
import { versusReducers } from '../looking/versus.ts'
import { fileSettled } from '../looking/work.ts'
import { forgetPlan } from '../planning/plan-actions.ts'
import { fitOutput, fitRank, unfitRank } from './fitting.ts'
import { workThrough } from './listing.ts'
import { type Asked, forgetOpenFile, recallOpenFile, rememberOpenFile } from './open-file.ts'
import { startPast } from './past.ts'
import { recallChoices } from './remembered.ts'

let openings = 0

/** Opens what `grant` answers with; whatever fails on the way is shown as a sentence and the file open before stays. */
export async function openFrom(name: string, grant: () => Promise<Grant | null>): Promise<void> {
  return openAsked(name, async () => {
    const granted = await grant()
    return granted && { grant: granted }
  })
}

/** @param keep called with the report once it is shown: what of the file before is to hold for this one */
async function openAsked(
  name: string,
  asking: () => Promise<Asked | null>,
  keep: (report: FileReport) => void = () => {},
): Promise<void> {
  const mine = ++openings
  const { report: before, grant: earlier } = useFile.getState()
  sessionReducers.returning(null)
  fileReducers.opening(name)
  try {
    const asked = await asking()
    if (mine !== openings) return
    if (!asked) return fileReducers.abandoned()
    const { grant: granted } = asked
    fileReducers.opening(granted.name)
    const { engine, host } = connection()
    const { report, source } = await openAs(asked)
    await workThrough(report)
    if (mine !== openings) return await engine.close(report.fileId)
    // From here to `show` nothing is waited for: no other opening comes between.
    cancelLook()
    forgetResults()
    fitOutput(report)
    if (before) unfitRank(before)
    if (!recallChoices(report)) fitRank(report, earlier !== null && earlier.id !== granted.id)
    show(granted, report, source)
    keep(report)
    startPast()
    if (source.of === 'pair') lookAtPair()
    sessionReducers.show('workbench')
    askForAnalysis()
    // An engine that has died has nothing open.
    if (before) await engine.close(before.fileId).catch(() => {})
    await host.remember(granted.id)
    sessionReducers.recents(await host.recents())
  } catch (error) {
    if (mine === openings) fileReducers.failed(toErrorReport(error))
  } finally {
    if (mine === openings) fileSettled()
  }
}

/** A file as what it is: an adapter as what it adds, and as its tensors where that cannot be said. */
async function openAs({ grant, source }: Asked): Promise<{ report: FileReport; source: OpenSource }> {
  const { engine } = connection()
  if (source?.of === 'pair') {
    const { base, form, convolutions } = source
    return { report: await engine.openDifference({ base: base.id, tuned: grant.id, form, convolutions }), source }
  }
  if (source?.of === 'adapter') {
    const { base, form } = source
    return { report: await engine.openDifference({ adapter: grant.id, base: base?.id ?? null, form }), source }
  }
  const report = await engine.open(grant.id)
  if (!report.isAdapter) return { report, source: { of: 'model' } }
  try {
    const [base, form] = [null, null]
    const difference = await engine.openDifference({ adapter: grant.id, base, form })
    await engine.close(report.fileId)
    return { report: difference, source: { of: 'adapter', base, form } }
  } catch (error) {
    const { said } = toErrorReport(error)
    return { report: { ...report, notices: [...report.notices, ...said] }, source: { of: 'model' } }
  }
}

/** Two models side by side. */
export const openPair = (base: Grant, tuned: Grant) =>
  openAsked(tuned.name, async () => ({ grant: tuned, source: { of: 'pair', base, form: null, convolutions: false } }))

/** The same differences cut and named for other loaders, or with convolutions: what was chosen stays, what was found is asked for again. */
export async function openForForm(form: AdapterForm, convolutions: boolean): Promise<void> {
  const { source } = useFile.getState()
  if (source.of === 'pair') await openAgain({ ...source, form, convolutions })
  else if (source.of === 'adapter') await openAgain({ ...source, form })
}

/** The open adapter, measured beside the weights of a model; null: by itself again. */
export async function openRelativeTo(base: Grant | null): Promise<void> {
  const { source } = useFile.getState()
  if (source.of === 'adapter') await openAgain({ ...source, base })
}

async function openAgain(source: OpenSource): Promise<void> {
  const { grant, report } = useFile.getState()
  if (!grant || !report) return
  const selection = useSelection.getState()
  const [rules, choices] = [rulesOf(report.tensors, selection), useAdapter.getState()]
  await openAsked(
    grant.name,
    async () => ({ grant, source }),
    ({ tensors }) => {
      adapterReducers.set({ ...choices, convRank: convRankOf(source, choices) })
      selectionReducers.rules(rules, tensors)
      selectionReducers.view(selection, tensors)
    },
  )
}

/** Whether convolutions are listed and whether they are written is one choice: that of the file. */
function convRankOf(source: OpenSource, { convRank }: AdapterChoices): number | null {
  if (source.of !== 'pair') return convRank
  return source.convolutions ? (convRank ?? firstConvRank) : null
}

/** What was found out about one file says nothing about the next. */
function forgetResults(): void {
  analysesReducers.reset()
  versusReducers.reset()
  forgetPlan()
  forgetPair()
  forgetStatistics()
  forgetTry()
  forgetAnswers()
  samplesReducers.reset()
  selectionReducers.reset()
}

/** Back to where a session begins. Runs that read the file go on. */
export async function closeFile(): Promise<void> {
  const { report } = useFile.getState()
  if (!report) return
  openings++
  cancelLook()
  forgetResults()
  forgetOpenFile()
  fileReducers.closed()
  unfitRank(report)
  sessionReducers.show('start')
  fileSettled()
  await connection().engine.close(report.fileId)
}

/** The engine is gone: what it was opening stays closed. */
export function openingLost(reason: Message): void {
  if (useFile.getState().status === 'opening') fileReducers.failed({ code: 'engine-died', said: [reason] })
}

export const openGrant = (grant: Grant) => openFrom(grant.name, () => Promise.resolve(grant))
export const openSample = (name: string) => openFrom(name, () => connection().host.sample())
export const openFiles = (name: string, files: () => Promise<readonly File[]>) =>
  openFrom(name, async () => connection().grantFiles(await files()))

/** Electron's own dialogs; the loopback page has its own. */
export const pickFile = (name: string) => openFrom(name, () => connection().host.pickFile())
export const pickFolder = (name: string) => openFrom(name, () => connection().host.pickFolder())

/** A page that was loaded again says so from its first picture on: what it opens needs the host, and that takes its time. */
export function expectReturn(): void {
  sessionReducers.returning(recallOpenFile()?.grant.name ?? null)
}

/** The file of an earlier load stays closed after all. */
export function stayHere(): void {
  openings++
  forgetOpenFile()
  sessionReducers.returning(null)
  fileReducers.abandoned()
}

/** A new engine knows no files: the open one again, with what was chosen in it; without `analyze` nothing is computed unasked. */
export async function reopen(analyze: boolean): Promise<void> {
  sessionReducers.reopening()
  const { grant, source: before, status } = useFile.getState()
  const remembered: Asked | null = grant ? { grant, source: before } : recallOpenFile()
  if (!remembered) {
    sessionReducers.returning(null)
    return fileSettled()
  }
  if (status === 'opening') return
  const mine = ++openings
  fileReducers.opening(remembered.grant.name)
  try {
    const { report, source } = await openAs(remembered)
    await workThrough(report)
    await reopenStatistics()
    if (mine !== openings) return await connection().engine.close(report.fileId)
    if (!grant) fitOutput(report)
    if (!grant) recallChoices(report)
    show(remembered.grant, report, source)
    if (!grant) startPast()
    if (!grant && source.of === 'model') recallStatistics()
    if (source.of === 'pair' && !usePair.getState().report) lookAtPair()
    if (!grant) sessionReducers.returned()
    if (analyze) askForAnalysis()
  } catch (error) {
    if (mine !== openings) return
    forgetOpenFile()
    // A page that was only remembering starts where every page starts; one that had the file open says what happened to it.
    if (grant) fileReducers.failed(toErrorReport(error))
    else fileReducers.closed()
  } finally {
    if (mine === openings) sessionReducers.returning(null)
    if (mine === openings) fileSettled()
  }
}

function show(grant: Grant, report: FileReport, source: OpenSource): void {
  fileReducers.opened(grant, report, source)
  rememberOpenFile(grant, source)
  const chosen = useSelection.getState().tensor
  if (chosen !== null && report.tensors.some(({ name }) => name === chosen)) return
  const first = report.tensors.find(({ plan }) => plan !== 'keep') ?? report.tensors.find(({ matrix }) => matrix)
  selectionReducers.select(first?.name ?? null)
  requestAnalysis()
}
