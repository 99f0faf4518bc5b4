/**
 * How deep a message nests. Structured clone and code that walks a message recurse, and a stack that overflows ends its process with
 * everything it runs, so a host bounds the depth of whatever a page sends before anything else touches it.
 */

/** What a page sends is calls with params, rules and recipes: no honest message nests as deep or holds as many values. */
const maxMessageDepth = 32
const maxMessageValues = 1_000_000

/**
 * Whether `message` is plain data - what JSON knows -, every path into it ends within 32 levels, and it holds no more than a million values.
 * Walks level by level, without recursion; a value that is shared is followed on each path, so a ring or a chain of shared objects is as
 * deep as it unfolds. A Map or a buffer, which only Electron's ports carry, would hide what is in it.
 */
export function isShallow(message: unknown): boolean {
  let level: unknown[] = [message]
  let values = 0
  for (let depth = 0; level.length > 0; depth++) {
    const inner: unknown[] = []
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue
      if (depth === maxMessageDepth || !isPlain(value)) return false
      for (const each of Object.values(value)) {
        if (++values > maxMessageValues) return false
        inner.push(each)
      }
    }
    level = inner
  }
  return true
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
