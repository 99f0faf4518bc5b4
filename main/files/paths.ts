/**
 * Whether two paths mean one place, where only their text can be compared: one of them leads to nothing yet, or the file system does not
 * tell its files apart. Where both exist, `sameFile` of files.ts is the better witness.
 */
import { posix, sep, win32 } from 'node:path'

/** Equal for all spellings of a path that this system takes for one. */
export function pathKey(path: string, platform: NodeJS.Platform = process.platform): string {
  // Windows keeps the case of names and does not look at it.
  if (platform === 'win32') return windowsPath(path).toLowerCase()
  // So does macOS, and for it é is é, in however many characters it was written.
  if (platform === 'darwin') return posix.resolve(path).normalize('NFC').toLowerCase()
  return posix.resolve(path)
}

export function samePath(a: string, b: string, platform?: NodeJS.Platform): boolean {
  return pathKey(a, platform) === pathKey(b, platform)
}

/** Whether `path` is `folder` or lies below it. */
export function liesWithin(folder: string, path: string): boolean {
  return realLiesWithin(pathKey(folder), pathKey(path))
}

/**
 * The same of two paths whose links are resolved, where it decides what may be reached. The system has written both in its own way, so
 * every difference counts: a folder or a volume can tell letters apart that others do not.
 */
export function realLiesWithin(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep)
}

/** `\\?\C:\a` and `C:/a.` are C:\a: the first says the same without limits of length, dots and spaces at an end are dropped. */
function windowsPath(path: string): string {
  const plain = path.replaceAll('/', '\\').replace(/^\\\\[?.]\\(UNC\\)?/i, (_, share) => (share ? '\\\\' : ''))
  const parts = win32.resolve(plain).split('\\')
  return parts.map((part) => (/[^. ]/.test(part) ? part.replace(/[. ]+$/, '') : part)).join('\\')
}
