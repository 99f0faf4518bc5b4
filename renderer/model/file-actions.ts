/** Opening: from a dialog, a drop, a list or the sample to an open file on the workbench. */
import type { FileReport, Grant } from '../../core/contract.ts'
import { grantSchema } from '../../core/contract.ts'
import { toErrorReport } from '../../core/errors.ts'
import type { Message } from '../../core/messages/message.ts'
import { defaultParams } from '../../core/params.ts'
import { fileReducers, useFile } from '../choices/file.ts'
import { paramsReducers, useParams } from '../choices/params.ts'
import { selectionReducers, useSelection } from '../choices/selection.ts'
import { connection } from '../frame/connection.ts'
import { sessionReducers, useSession } from '../frame/session.ts'
import { analysesReducers } from './analyses.ts'
import { cancelLook, requestAnalysis } from './analysis.ts'
import { firstRank } from './first-rank.ts'
import { startPast } from './past.ts'
import { forgetPlan } from './plan-actions.ts'
import { recallChoices } from './remembered.ts'
import { versusReducers } from './versus.ts'
import { fileSettled } from './work.ts'

/** The open file is remembered for as long as this window lives, so that a reload comes back to it. */
const rememberedKey = 'ghostsvd.open'

let openings = 0

/** Opens what `grant` answers with; whatever fails on the way is shown as a sentence and the file open before stays. */
export async function openFrom(name: string, grant: () => Promise<Grant | null>): Promise<void> {
  const mine = ++openings
  const before = useFile.getState().report
  fileReducers.opening(name)
  try {
    const granted = await grant()
    if (mine !== openings) return
    if (!granted) return fileReducers.abandoned()
    fileReducers.opening(granted.name)
    const { engine, host } = connection()
    const report = await engine.open(granted.id)
    if (mine !== openings) return await engine.close(report.fileId)
    cancelLook()
    if (before) await engine.close(before.fileId)
    forgetResults()
    if (!recallChoices(report)) fitRank(report)
    show(granted, report)
    startPast()
    requestAnalysis()
    sessionReducers.show('workbench')
    await host.remember(granted.id)
    sessionReducers.recents(await host.recents())
  } catch (error) {
    if (mine === openings) fileReducers.failed(toErrorReport(error))
  } finally {
    if (mine === openings) fileSettled()
  }
}

/** A model of small matrices starts where there is something to do, unless a rank was chosen. */
function fitRank({ tensors }: FileReport): void {
  const { params } = useParams.getState()
  if (params.rank === defaultParams.rank) paramsReducers.set({ rank: firstRank(tensors, params) })
}

/** What was found out about one file says nothing about the next. */
function forgetResults(): void {
  analysesReducers.reset()
  versusReducers.reset()
  forgetPlan()
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

/** A new engine knows no files: the open one again, with what was chosen in it; without `analyze` nothing is computed unasked. */
export async function reopen(analyze: boolean): Promise<void> {
  const { grant, status } = useFile.getState()
  const remembered = grant ?? recall()
  if (!remembered) return fileSettled()
  if (status === 'opening') return
  const mine = ++openings
  fileReducers.opening(remembered.name)
  try {
    const report = await connection().engine.open(remembered.id)
    if (mine !== openings) return
    if (!grant) recallChoices(report)
    show(remembered, report)
    if (!grant) startPast()
    if (!grant) sessionReducers.returned()
    if (analyze) requestAnalysis()
  } catch (error) {
    if (mine !== openings) return
    forget()
    // A page that was only remembering starts where every page starts; one that had the file open says what happened to it.
    if (grant) fileReducers.failed(toErrorReport(error))
    else fileReducers.closed()
  } finally {
    if (mine === openings) fileSettled()
  }
}

function show(grant: Grant, report: FileReport): void {
  fileReducers.opened(grant, report)
  sessionStorage.setItem(rememberedKey, JSON.stringify(grant))
  const chosen = useSelection.getState().tensor
  if (chosen !== null && report.tensors.some(({ name }) => name === chosen)) return
  const first = report.tensors.find(({ plan }) => plan !== 'keep') ?? report.tensors.find(({ matrix }) => matrix)
  selectionReducers.select(first?.name ?? null)
  requestAnalysis()
}

function recall(): Grant | null {
  const stored = sessionStorage.getItem(rememberedKey)
  if (stored === null) return null
  const parsed = grantSchema.safeParse(JSON.parse(stored))
  return parsed.success ? parsed.data : null
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
