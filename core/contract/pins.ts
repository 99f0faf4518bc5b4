import { z } from 'zod'

/** Ranks of their own (core/rules.ts). Left out where there are none, so that recipes without them stay word for word. */
export const pinsSchema = z.array(z.strictObject({ match: z.string(), rank: z.number().int().min(1) })).optional()

/** Which statistics errors are weighed by (core/write/source-hash.ts). Left out where there are none, as pins are. */
export const statisticsHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()
