/** What a file is to become, for whoever plans, estimates or writes it. */
import { z } from 'zod'
import { paramsSchema } from '../params.ts'
import { styleIds } from '../styles.ts'
import { patternsSchema, pinsSchema, statisticsHashSchema } from './pins.ts'

export const choiceFields = {
  output: z.enum(styleIds),
  params: paramsSchema,
  /** Patterns of names (core/rules.ts). */
  include: patternsSchema.default([]),
  exclude: patternsSchema.default([]),
  pins: pinsSchema,
  statistics: statisticsHashSchema,
}
