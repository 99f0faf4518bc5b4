/**
 * Globs over tensor names: `*` is any run of characters (dots too), `?` one character, `{a,b}` alternatives, nested as deep as one likes;
 * all else stands for itself, and so does each of `*?{},\` after a backslash. A pattern matches a whole name.
 *
 * A pattern comes from a page, a recipe or a command line, so matching must not depend on how it is written: as a regular expression,
 * eight stars in a row backtrack for minutes. Here the pattern is a nondeterministic automaton whose states are advanced together
 * (Thompson, "Regular expression search algorithm", 1968): time is name length x pattern length, whatever the pattern.
 */

/** Any one character. */
const any = -1
/** No character: a state that only leads on. */
const none = -2

interface State {
  /** The code point that leads to `next`, `any`, or `none`. */
  readonly takes: number
  readonly next: number[]
}

export function isGlob(pattern: string): boolean {
  return /[*?{]/.test(pattern)
}

/** The pattern for one name. */
export function patternFor(name: string): string {
  return isGlob(name) ? name.replace(/[*?{},\\]/g, '\\$&') : name
}

/** @returns a predicate over whole names; it keeps its working memory, so it is not reentrant */
export function compileGlob(pattern: string): (name: string) => boolean {
  const { states, accepting } = automaton(pattern)
  const prefix = /^[^*?{},\\]*/.exec(pattern)![0]
  /** For each state the last step that reached it, so that it is entered once a step. */
  const reached = new Uint32Array(states.length)
  let step = 0
  let current: number[] = []
  let following: number[] = []
  const pending: number[] = []

  /** Adds `from` and all that it reaches without a character. */
  function enter(from: number): void {
    pending.push(from)
    for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
      if (reached[state] === step) continue
      reached[state] = step
      if (states[state]!.takes !== none) following.push(state)
      else for (const next of states[state]!.next) pending.push(next)
    }
  }
  function advance(): void {
    const spent = current
    current = following
    following = spent
    following.length = 0
    step++
  }

  return (name) => {
    if (!name.startsWith(prefix)) return false
    step = 1
    reached.fill(0)
    following.length = 0
    enter(0)
    for (const character of name) {
      advance()
      const codePoint = character.codePointAt(0)!
      for (const state of current) {
        const { takes, next } = states[state]!
        if (takes === any || takes === codePoint) enter(next[0]!)
      }
      if (following.length === 0 && reached[accepting] !== step) return false
    }
    return reached[accepting] === step
  }
}

/** What may mean something, as it is written; what stands for itself, as code points. */
function* signsOf(pattern: string): Generator<string | number> {
  for (const [sign] of pattern.matchAll(/\\[*?{},\\]|./gsu)) {
    if (sign.length > 1 && sign[0] === '\\') yield sign.codePointAt(1)!
    else yield '*?{},'.includes(sign) ? sign : sign.codePointAt(0)!
  }
}

function automaton(pattern: string): { states: readonly State[]; accepting: number } {
  const states: State[] = []
  const add = (takes: number): number => states.push({ takes, next: [] }) - 1
  const link = (from: number, to: number) => void states[from]!.next.push(to)
  /** Where the pattern read so far ends. */
  let end = add(none)
  const groups: { readonly start: number; readonly end: number }[] = []
  // A brace that is never closed opens nothing, unless some later one closes: then the end of the pattern closes the rest.
  const signs = [...signsOf(pattern)]
  const closes = signs.includes('}')

  function take(codePoint: number): void {
    const state = add(codePoint)
    link(end, state)
    end = add(none)
    link(state, end)
  }
  function repeatAny(): void {
    const hub = add(none)
    const loop = add(any)
    link(end, hub)
    link(hub, loop)
    link(loop, hub)
    end = hub
  }
  function alternative(): void {
    const { start } = groups.at(-1)!
    const first = add(none)
    link(start, first)
    end = first
  }
  function close(): void {
    const group = groups.pop()!
    link(end, group.end)
    end = group.end
  }

  for (const [i, sign] of signs.entries()) {
    if (sign === '*') {
      if (signs[i - 1] !== '*') repeatAny()
    } else if (sign === '?') take(any)
    else if (sign === '{' && closes) {
      groups.push({ start: end, end: add(none) })
      alternative()
    } else if (sign === '}' && groups.length > 0) close()
    else if (sign === ',' && groups.length > 0) {
      link(end, groups.at(-1)!.end)
      alternative()
    } else take(typeof sign === 'number' ? sign : sign.codePointAt(0)!)
  }
  while (groups.length > 0) close()
  return { states, accepting: end }
}
