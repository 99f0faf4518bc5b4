/** What lies in a drop. */
import { useSession } from '../../frame/session.ts'

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
