/** What a POSIX shell does to words before a program sees them, and the shells of Windows leave to the program. */
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { compileGlob } from '../../core/glob.ts'

/** `~` and what begins with `~/` or `~\` lie in the user's folder. */
export function expandHome(word: string, platform: NodeJS.Platform = process.platform): string {
  return platform === 'win32' && /^~(?=$|[/\\])/.test(word) ? homedir() + word.slice(1) : word
}

/** The files that `*` and `?` in a path's last component stand for, in order; the path itself where it has none, or none fits. */
export async function expandPattern(path: string, platform: NodeJS.Platform = process.platform): Promise<string[]> {
  const name = basename(path)
  // Neither can be in a name there.
  if (platform !== 'win32' || !/[*?]/.test(name)) return [path]
  const fits = compileGlob(name.toLowerCase().replace(/[{},]/g, '\\$&'))
  const listed = await readdir(dirname(path)).catch(() => [])
  const found = listed.filter((each) => fits(each.toLowerCase())).sort()
  return found.length > 0 ? found.map((each) => join(dirname(path), each)) : [path]
}
