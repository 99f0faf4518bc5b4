import { z } from 'zod'

/** Ranks of their own (core/rules.ts). Left out where there are none, so that recipes without them stay word for word. */
export const pinsSchema = z.array(z.strictObject({ match: z.string(), rank: z.number().int().min(1) })).optional()
