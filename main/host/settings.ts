/**
 * What the user chose: one small JSON file per subject in the platform's folder for configuration, written whole and renamed, so that a
 * crash leaves the old one.
 */
import { join } from 'node:path'
import type { z } from 'zod'
import { type Settings, settingsSchema } from '../../core/contract.ts'
import { readWhole } from '../files/read-whole.ts'
import { sweepLeft, writeWhole } from '../files/write-whole.ts'
import { makeFolder, ownFolder } from '../system/make-folder.ts'

export interface Stored<T> {
  read(): Promise<T>
  /** Replaces the value by `change` of the stored one; changes wait for each other. */
  update(change: (stored: T) => T): Promise<void>
}

/**
 * One JSON file under a schema that turns `{}` into the defaults. A file that is absent, damaged or from another version reads as the
 * defaults: preferences are not worth a dialog. The folder is made by the first write.
 */
export function jsonFile<S extends z.ZodType>(folder: string, name: string, schema: S): Stored<z.output<S>> {
  const path = join(folder, name)
  let last: Promise<unknown> = Promise.resolve()
  async function read(): Promise<z.output<S>> {
    const text = await readWhole(path).then(String, () => '{}')
    const parsed = schema.safeParse(parseJson(text))
    return parsed.success ? parsed.data : schema.parse({})
  }
  return {
    read,
    update(change) {
      const updated = last.then(async () => {
        const value = change(await read())
        await makeFolder(folder, ownFolder)
        await writeWhole(path, `${JSON.stringify(value, null, 2)}\n`)
        await sweepLeft(folder, (each) => each === name)
      })
      last = updated.catch(() => {})
      return updated
    },
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

export const storedSettings = (folder: string): Stored<Settings> => jsonFile(folder, 'settings.json', settingsSchema)
