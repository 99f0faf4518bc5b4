/** The open file, remembered for as long as this window lives, so that a reload comes back to it. */
import { z } from 'zod'
import { type Grant, grantSchema } from '../../../core/contract.ts'
import { adapterForms } from '../../../core/styles.ts'
import type { OpenSource } from '../../choices/file.ts'

const storedKey = 'ghostsvd.open'

/** What is to be opened. */
export interface Asked {
  readonly grant: Grant
  /** Absent where the file itself says what it is. */
  readonly source?: OpenSource
}

const form = z.enum(adapterForms).nullable()
const storedSchema = z.object({
  grant: grantSchema,
  source: z.discriminatedUnion('of', [
    z.object({ of: z.literal('model') }),
    z.object({ of: z.literal('pair'), base: grantSchema, form, convolutions: z.boolean() }),
    z.object({ of: z.literal('adapter'), base: grantSchema.nullable(), form }),
  ]),
})

export function rememberOpenFile(grant: Grant, source: OpenSource): void {
  sessionStorage.setItem(storedKey, JSON.stringify({ grant, source }))
}

export function recallOpenFile(): Asked | null {
  const stored = sessionStorage.getItem(storedKey)
  if (stored === null) return null
  const { data } = storedSchema.safeParse(JSON.parse(stored))
  return data ?? null
}

export function forgetOpenFile(): void {
  sessionStorage.removeItem(storedKey)
}
