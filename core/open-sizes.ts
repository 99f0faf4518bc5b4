/** Sizes that a model leaves open, where nothing else is said. */
const openSizes = {
  /** Along the first axis: how many at once. */
  first: 1,
  /** Along the last two of four, an image's. */
  image: 64,
  /** Along any other. */
  other: 16,
} as const

/** @param axes how many the input has */
export function usualSize(axis: number, axes: number): number {
  if (axis === 0) return openSizes.first
  return axes === 4 && axis > 1 ? openSizes.image : openSizes.other
}
