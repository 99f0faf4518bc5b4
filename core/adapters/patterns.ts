/**
 * Names of modules as data: `double_blocks.{i}.{img|txt}_attn.qkv`. `{i}` is a number, `{a|b}` one of these texts. Two patterns of one row have
 * the same holes in the same order, so that what one matches the other can say: a number is copied, an alternative keeps its place among
 * the others.
 */

/** Of each hole in order: digits, or which of the alternatives it was. */
export type Holes = readonly (string | number)[]

export interface Pattern {
  readonly text: string
  /** What stands in the holes; null for a name of another kind. */
  match(name: string): Holes | null
  fill(holes: Holes): string
}

type Piece = { readonly literal: string } | { readonly number: true } | { readonly choices: readonly string[] }

/** @param written how a piece of the pattern is written in names: as it is, or with another separator */
export function pattern(text: string, written: (piece: string) => string = (piece) => piece): Pattern {
  const pieces = piecesOf(text)
  const source = pieces.map((piece) => {
    if ('literal' in piece) return escaped(written(piece.literal))
    if ('number' in piece) return '(\\d+)'
    // The longest first: `to_out.0` before `to_out`.
    const longest = piece.choices.map(written).toSorted((a, b) => b.length - a.length)
    return `(${longest.map(escaped).join('|')})`
  })
  const holes = pieces.filter((piece) => !('literal' in piece))
  const expression = new RegExp(`^${source.join('')}$`)
  // Most names end here, and a comparison is ten times as fast.
  const [first] = pieces
  const lead = first && 'literal' in first ? written(first.literal) : ''
  return {
    text,
    match: (name) => {
      const found = name.startsWith(lead) ? expression.exec(name) : null
      if (!found) return null
      return holes.map((hole, i) =>
        'choices' in hole ? hole.choices.findIndex((choice) => written(choice) === found[i + 1]) : found[i + 1]!,
      )
    },
    fill: (values) => {
      let next = 0
      return pieces
        .map((piece) => {
          if ('literal' in piece) return written(piece.literal)
          const value = values[next++]
          return 'choices' in piece ? written(piece.choices[value as number]!) : String(value)
        })
        .join('')
    },
  }
}

function piecesOf(text: string): Piece[] {
  return text.split(/(\{[^}]*\})/).flatMap((piece): Piece[] => {
    if (piece === '') return []
    if (!piece.startsWith('{')) return [{ literal: piece }]
    const inside = piece.slice(1, -1)
    return [inside === 'i' ? { number: true } : { choices: inside.split('|') }]
  })
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
