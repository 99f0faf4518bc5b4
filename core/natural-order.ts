const collator = new Intl.Collator('en', { numeric: true })

/** Orders names as people count: layers.2 before layers.10. */
export const compareNames = (a: string, b: string): number => collator.compare(a, b)
