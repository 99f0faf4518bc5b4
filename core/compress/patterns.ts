/**
 * Tensor names matched by glob: `*` any run of characters (dots too), `?` one character, `{a,b}` alternatives; all else stands for
 * itself. A pattern matches a whole name.
 */

export type NameMatcher = (name: string) => string | undefined

/** Answers with the first pattern that matches, so that a reason can quote it. */
export function matchNames(patterns: readonly string[]): NameMatcher {
  const compiled = patterns.map((pattern) => ({ pattern, expression: new RegExp(`^${source(pattern)}$`, 'su') }))
  return (name) => compiled.find(({ expression }) => expression.test(name))?.pattern
}

function source(pattern: string): string {
  let depth = 0
  let expression = ''
  for (const character of pattern) {
    if (character === '*') expression += '.*'
    else if (character === '?') expression += '.'
    else if (character === '{' && pattern.includes('}')) {
      depth++
      expression += '(?:'
    } else if (character === '}' && depth > 0) {
      depth--
      expression += ')'
    } else if (character === ',' && depth > 0) expression += '|'
    else expression += character.replace(/[\\^$.*+?()[\]{}|/-]/u, (special) => `\\${special}`)
  }
  return expression + ')'.repeat(depth)
}
