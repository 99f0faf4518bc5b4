/** How far apart two spans of singular vectors are. */
import { z } from 'zod'

export const spanFields = {
  /** Largest principal angle between the spans of left singular vectors, radians; null where the cut goes between equal singular values. */
  subspaceAngle: z.number().nullable(),
  /**
   * Of the leading directions both have whose values are more than rounding: how many, (s_rank - s_(rank + 1)) / s_1 (null where the next value is not known),
   * all angles, the largest first.
   */
  canonicalAngles: z.strictObject({ rank: z.number(), gap: z.number().nullable(), angles: z.array(z.number()) }),
}
