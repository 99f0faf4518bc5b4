/** Parts of a report page, as markup; texts are escaped here. */
import { element, escaped } from './svg.ts'

export const paragraph = (text: string, className?: string) => element('p', { class: className }, escaped(text))
/** Nothing of it where it has no content. */
export const section = (title: string, ...inner: readonly string[]) =>
  inner.join('') === '' ? '' : `<section>${element('h2', {}, escaped(title))}${inner.join('')}</section>`
export const code = (text: string) => element('pre', {}, escaped(text.trimEnd()))

export interface Fact {
  readonly name: string
  readonly value: string
  /** Beneath the value. */
  readonly note?: string
}

/** The few numbers that matter, large. */
export function outcome(facts: readonly Fact[]): string {
  const inner = facts.map(({ name, value, note }) => {
    const small = note === undefined ? '' : element('small', {}, escaped(note))
    return `<div>${element('dt', {}, escaped(name))}${element('dd', {}, escaped(value) + small)}</div>`
  })
  return element('dl', { class: 'outcome' }, inner.join(''))
}

export function facts(list: readonly Fact[]): string {
  const inner = list.map(({ name, value }) => element('dt', {}, escaped(name)) + element('dd', {}, escaped(value)))
  return element('dl', { class: 'facts' }, inner.join(''))
}

/** A cell is a text, or a number with its text: sorted by the number. */
export type Cell = string | { readonly value: number; readonly text: string }

export interface Column {
  readonly title: string
  readonly numeric?: boolean
}

export function sortableTable(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map(({ title, numeric }) =>
    element(
      'th',
      { scope: 'col', class: numeric ? 'n' : undefined },
      element('button', { type: 'button' }, escaped(title)),
    ),
  )
  const body = rows.map((row) => {
    const cells = row.map((cell, at) => {
      const numeric = columns[at]?.numeric === true
      const className = numeric ? 'n' : at === 0 ? 'name' : undefined
      return typeof cell === 'string'
        ? filled('td', { class: className }, escaped(cell))
        : filled('td', { class: className, 'data-v': String(cell.value) }, escaped(cell.text))
    })
    return `<tr>${cells.join('')}</tr>`
  })
  return `<div class="wide"><table class="sortable"><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}

/** HTML knows no `<td/>`. */
function filled(name: string, attributes: Readonly<Record<string, string | undefined>>, inner: string): string {
  return inner === '' ? `${element(name, attributes).slice(0, -2)}></${name}>` : element(name, attributes, inner)
}
