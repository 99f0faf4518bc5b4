/** Output folders as tests open and fill them. */
import type { OutputFolder } from '../../../core/io.ts'
import { type OutputOptions, outputFolder } from '../../../main/files/outputs.ts'

export const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value)
export const folderAt = (path: string, options: Partial<OutputOptions> = {}) =>
  outputFolder(path, { overwrite: false, sources: [], ...options })

export async function fill(folder: OutputFolder, ...names: string[]): Promise<void> {
  for (const name of names) {
    const sink = await folder.create(name, 3)
    await sink.write(bytes(3))
    await sink.close()
  }
}
