/**
 * Names that nobody has yet: `w`, then `w~2`, `w~3`. A counter for each, since files may have a hundred thousand of one name, and counting from the
 * beginning for each of them would take hours.
 */
export function uniqueNames(
  taken: { has(name: string): boolean; add(name: string): unknown } = new Set<string>(),
): (wanted: string, numbered?: (n: number) => string) => string {
  const last = new Map<string, number>()
  return (wanted, numbered = (n) => `${wanted}~${n}`) => {
    let name = wanted
    if (taken.has(name)) {
      let n = last.get(wanted) ?? 1
      while (taken.has(name)) name = numbered(++n)
      last.set(wanted, n)
    }
    taken.add(name)
    return name
  }
}
