/** Opening: from a dialog, a drop, a list or the sample to an open file on the workbench. */

import { z } from 'zod'
import type { FileReport, Grant } from '../../../core/contract.ts'
import { grantSchema } from '../../../core/contract.ts'
import { toErrorReport } from '../../../core/errors.ts'
import type { Message } from '../../../core/messages/message.ts'
import { defaultParams } from '../../../core/params.ts'
import { type AdapterForm, adapterForms, defaultStyle, styleIds, styles } from '../../../core/styles.ts'
import { hasGraph } from '../../../core/weight-formats.ts'
import { type AdapterChoices, adapterReducers, firstConvRank, useAdapter } from '../../choices/adapter.ts'
import { fileReducers, type OpenSource, useFile } from '../../choices/file.ts'
import { noGoal } from '../../choices/goal.ts'
import { paramsReducers, useParams } from '../../choices/params.ts'
import { rulesOf } from '../../choices/rules.ts'
import { samplesReducers } from '../../choices/samples.ts'
import { selectionReducers, useSelection } from '../../choices/selection.ts'
import { connection } from '../../frame/connection.ts'
import { sessionReducers, useSession } from '../../frame/session.ts'
import { forgetAnswers } from '../answering/answers.ts'
import { forgetStatistics, recallStatistics, reopenStatistics } from '../answering/statistics.ts'
import { forgetTry } from '../answering/try.ts'
import { firstRank } from '../figures/first-rank.ts'
import { analysesReducers } from '../looking/analyses.ts'
import { askForAnalysis, cancelLook, requestAnalysis } from '../looking/analysis.ts'
import { forgetPair, lookAtPair, usePair } from '../looking/pair.ts'
import { versusReducers } from '../looking/versus.ts'
import { fileSettled } from '../looking/work.ts'
import { forgetPlan } from '../planning/plan-actions.ts'
import { workThrough } from './listing.ts'
import { startPast } from './past.ts'
import { recallChoices } from './remembered.ts'

/** The open file is remembered for as long as this window lives, so that a reload comes back to it. */
const rememberedKey = 'ghostsvd.open'

let openings = 0

/** What is to be opened. */
interface Asked {
  readonly grant: Grant
  /** Absent where the file itself says what it is. */
  readonly source?: OpenSource
}

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
    const { report, source } = await opened(asked)
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
async function opened({ grant, source }: Asked): Promise<{ report: FileReport; source: OpenSource }> {
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

/** Differences become adapters in their own dtype, models what they did before, where they can. */
function fitOutput({ difference, format, cannotBecome }: FileReport): void {
  const { output, params } = useParams.getState()
  const style = styleIds.find((id) => id === output)
  const before = useFile.getState().report?.difference
  adapterReducers.reset()
  if (difference?.convolutions) adapterReducers.set({ convRank: firstConvRank })
  if (difference) {
    const { form, dtype } = difference
    paramsReducers.output(form)
    const own = before || (params.factorDType !== 'keep' && params.factorDType !== 'INT8') ? {} : { factorDType: dtype }
    paramsReducers.set({ ...own, factorLayout: 'ab', sparseDensity: 0 })
  } else if (style) {
    const refused = cannotBecome?.some(({ output }) => output === style)
    if (refused || (styles[style].isGraph && !hasGraph(format))) paramsReducers.output(defaultStyle)
  } else {
    const { factorDType, factorLayout, sparseDensity } = defaultParams
    paramsReducers.output(defaultStyle)
    paramsReducers.set({ factorDType, factorLayout, sparseDensity })
  }
}

/**
 * A model of small matrices starts where there is something to do, unless a rank was chosen. The goal of the file before stays with it: for this one
 * nobody asked, and it would begin an analysis. One click brings it back.
 */
function fitRank({ tensors }: FileReport, another: boolean): void {
  if (another) paramsReducers.set(noGoal)
  const { params } = useParams.getState()
  if (params.rank === defaultParams.rank) paramsReducers.set({ rank: firstRank(tensors, params) })
}

/** A rank that was fitted to a file was not chosen: it goes with that file. */
function unfitRank({ tensors }: FileReport): void {
  const { params } = useParams.getState()
  const { rank } = defaultParams
  if (params.rank === firstRank(tensors, { ...params, rank })) paramsReducers.set({ rank })
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
  forget()
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
  sessionReducers.returning(recall()?.grant.name ?? null)
}

/** The file of an earlier load stays closed after all. */
export function stayHere(): void {
  openings++
  forget()
  sessionReducers.returning(null)
  fileReducers.abandoned()
}

/** A new engine knows no files: the open one again, with what was chosen in it; without `analyze` nothing is computed unasked. */
export async function reopen(analyze: boolean): Promise<void> {
  sessionReducers.reopening()
  const { grant, source: before, status } = useFile.getState()
  const remembered: Asked | null = grant ? { grant, source: before } : recall()
  if (!remembered) {
    sessionReducers.returning(null)
    return fileSettled()
  }
  if (status === 'opening') return
  const mine = ++openings
  fileReducers.opening(remembered.grant.name)
  try {
    const { report, source } = await opened(remembered)
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
    forget()
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
  sessionStorage.setItem(rememberedKey, JSON.stringify({ grant, source }))
  const chosen = useSelection.getState().tensor
  if (chosen !== null && report.tensors.some(({ name }) => name === chosen)) return
  const first = report.tensors.find(({ plan }) => plan !== 'keep') ?? report.tensors.find(({ matrix }) => matrix)
  selectionReducers.select(first?.name ?? null)
  requestAnalysis()
}

const form = z.enum(adapterForms).nullable()
const rememberedSchema = z.object({
  grant: grantSchema,
  source: z.discriminatedUnion('of', [
    z.object({ of: z.literal('model') }),
    z.object({ of: z.literal('pair'), base: grantSchema, form, convolutions: z.boolean() }),
    z.object({ of: z.literal('adapter'), base: grantSchema.nullable(), form }),
  ]),
})

function recall(): Asked | null {
  const stored = sessionStorage.getItem(rememberedKey)
  if (stored === null) return null
  const { data } = rememberedSchema.safeParse(JSON.parse(stored))
  return data ?? null
}

function forget(): void {
  sessionStorage.removeItem(rememberedKey)
}

/**
 * The files of a drop. In the browser a dropped folder is walked (Electron is given the folder itself and does that on its own side):
 * each file is named by its path inside the drop.
 */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const plain = [...transfer.files]
  if (useSession.getState().host?.kind === 'electron' || !entries.some((entry) => entry.isDirectory)) return plain
  const found: File[] = []
  for (const entry of entries) await walk(entry, found)
  return found
}

/** What was dropped, thing by thing: a file alone, a folder with all its files. For two models that are dropped at once. */
export async function droppedThings(transfer: DataTransfer): Promise<readonly (readonly File[])[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  const plain = [...transfer.files]
  if (useSession.getState().host?.kind === 'electron') return plain.map((file) => [file])
  const things: File[][] = []
  for (const entry of entries) {
    const found: File[] = []
    await walk(entry, found)
    things.push(found)
  }
  return things
}

async function walk(entry: FileSystemEntry, found: File[]): Promise<void> {
  // Caches and version control of a model folder: .cache, .git, .DS_Store.
  if (entry.name.startsWith('.')) return
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    found.push(new File([file], entry.fullPath.replace(/^\//, '')))
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  // readEntries answers in portions; an empty one is the end.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (portion.length === 0) return
    for (const child of portion) await walk(child, found)
  }
}
