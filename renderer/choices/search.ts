/** Which tensors the list shows, and in which order. */
import type { TensorReport } from '../../core/contract.ts'
import { compileGlob, isGlob } from '../../core/glob.ts'
import { compareNames } from '../../core/natural-order.ts'
import { type Choice, isCompressed } from './rules.ts'
import type { SelectionState } from './selection.ts'

/**
 * Tells whether a name is searched for: `/.../` is a regular expression, `*`, `?` and `{a,b}` stand for what they do in a rule, and all of it is
 * found inside a name; of several words every one is. Case does not matter. Returns null where a regular expression does not parse (it may be half typed).
 */
export function nameMatcher(search: string): ((name: string) => boolean) | null {
  const text = search.trim()
  if (text === '') return () => true
  const body = /^\/(.*?)\/?$/.exec(text)?.[1]
  if (body !== undefined) {
    try {
      const pattern = new RegExp(body, 'i')
      return (name) => pattern.test(name)
    } catch {
      return null
    }
  }
  const lower = text.toLowerCase()
  if (isGlob(lower)) {
    // A backslash at the end would take the star after it.
    const whole = /(?:^|[^\\])(?:\\\\)*\\$/.test(lower) ? `${lower}\\` : lower
    const matches = compileGlob(`*${whole}*`)
    return (name) => matches(name.toLowerCase())
  }
  const words = lower.split(/\s+/)
  return (name) => words.every((word) => name.toLowerCase().includes(word))
}

/** The rows of the list, in order. `errorOf` gives what is known of a tensor's error, for the order by error. */
export function visibleTensors(
  tensors: readonly TensorReport[],
  selection: Choice & Pick<SelectionState, 'search' | 'chips' | 'sort'>,
  errorOf: (tensor: TensorReport) => number | undefined,
  differenceOf: (tensor: TensorReport) => number | undefined = () => undefined,
): readonly TensorReport[] {
  const matches = nameMatcher(selection.search) ?? (() => false)
  const wanted = new Set<string>(selection.chips)
  // The file as it is: what is known of it, such as its groups, is known of this list.
  if (selection.search.trim() === '' && wanted.size === 0 && selection.sort === 'file') return tensors
  const shown = tensors.filter((tensor) => {
    if (!matches(tensor.name)) return false
    if (wanted.size === 0) return true
    return (tensor.kind !== null && wanted.has(tensor.kind)) || (wanted.has('kept') && !isCompressed(tensor, selection))
  })
  switch (selection.sort) {
    case 'file':
      return shown
    case 'size':
      return shown.sort((a, b) => b.byteLength - a.byteLength)
    case 'name':
      return shown.sort((a, b) => compareNames(a.name, b.name))
    case 'error':
      return shown.sort((a, b) => (errorOf(b) ?? -1) - (errorOf(a) ?? -1))
    case 'difference':
      return shown.sort((a, b) => (differenceOf(b) ?? -1) - (differenceOf(a) ?? -1))
  }
}
