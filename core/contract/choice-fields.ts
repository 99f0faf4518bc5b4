/** What a file is to become, for whoever plans, estimates or writes it. */
import { z } from 'zod'
import { paramsSchema } from '../params.ts'
import { styleIds } from '../styles.ts'
import { pinsSchema, statisticsHashSchema } from './pins.ts'

export const choiceFields = {
  output: z.enum(styleIds),
  params: paramsSchema,
  /** Patterns of names (core/rules.ts). */
  include: z.array(z.string()).default([]),
  exclude: z.array(z.string()).default([]),
  pins: pinsSchema,
  statistics: statisticsHashSchema,
}
