/** Which inputs a model is run on, where no files of arrays are given. */
import { z } from 'zod'

/** That are drawn at most. */
export const mostSamples = 10_000

/** @param samples how many are drawn unless told otherwise */
export const sampleFields = (samples: number) => ({
  samples: z.number().int().min(1).max(mostSamples).default(samples),
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
  /** Of dimensions that the model leaves open, by their names or as input.axis. */
  sizes: z.record(z.string(), z.number().int().min(1)).default({}),
  /** That the runtime computes with. */
  threads: z.number().int().min(1).max(1024).default(1),
})
