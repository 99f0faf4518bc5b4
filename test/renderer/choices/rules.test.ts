import { expect, test } from 'vitest'
import type { TensorReport } from '../../../core/contract.ts'
import { noRules, type Rules } from '../../../core/rules.ts'
import { applyRules, isCompressed, rulesOf } from '../../../renderer/choices/rules.ts'
import { selectionReducers, useSelection } from '../../../renderer/choices/selection.ts'
import { someWords } from '../../core/messages/words.ts'

const tensor = (name: string, plan: TensorReport['plan'], changes: Partial<TensorReport> = {}): TensorReport => ({
  name,
  plan,
  dtype: 'F32',
  shape: [64, 64],
  byteLength: 64 * 64 * 4,
  matrix: [64, 64],
  kind: 'linear',
  reason: someWords(''),
  ...changes,
})
const tensors = [
  tensor('a', 'factorize'),
  tensor('b', 'grows'),
  tensor('head', 'keep'),
  tensor('x{1,2}', 'factorize'),
  tensor('norm', 'keep', { matrix: null, kind: null }),
]
/** Rules are opened, tensors are ticked (+a) and unticked (-a): what would be run, and what the list shows. */
function after(opened: Rules | null, ...ticks: string[]) {
  selectionReducers.reset()
  if (opened) selectionReducers.rules(opened, tensors)
  for (const tick of ticks) {
    const found = tensors.find(({ name }) => name === tick.slice(1))!
    selectionReducers.setCompressed(found, tick.startsWith('+'))
  }
  const choice = useSelection.getState()
  return {
    rules: rulesOf(tensors, choice),
    chosen: tensors.filter((one) => isCompressed(one, choice)).map(({ name }) => name),
  }
}

test('without changes a run follows the plan', () => {
  expect(after(null).rules).toEqual(noRules)
})

test('what was left out is excluded', () => {
  expect(after(null, '-a').rules).toEqual({ include: [], exclude: ['a'] })
})

test('taking in one that is kept by habit names all that are factorized, since include means only those', () => {
  expect(after(null, '+head', '-b').rules).toEqual({ include: ['a', 'head', 'x\\{1\\,2\\}'], exclude: [] })
})

test('opened rules stay word for word, and the list shows what they choose', () => {
  const opened = { include: ['[hx]*', 'h*', 'nothing'], exclude: ['a', 'a'] }
  expect(after(opened)).toEqual({ rules: opened, chosen: ['head'] })
  expect(after({ include: [], exclude: ['{a,b}'] }).chosen).toEqual(['x{1,2}'])
  expect(after({ include: ['*'], exclude: [] }).chosen).toEqual(['a', 'b', 'head', 'x{1,2}'])
})

test('a tick changes opened rules by that tensor alone', () => {
  const opened = { include: ['h*'], exclude: ['z*'] }
  expect(after(opened, '+a').rules).toEqual({ include: ['h*', 'a'], exclude: ['z*'] })
  expect(after({ include: ['*'], exclude: [] }, '-a').rules).toEqual({ include: ['*'], exclude: ['a'] })
})

test('taking a tick back gives the opened rules back', () => {
  const opened = { include: ['h*'], exclude: ['z*'] }
  expect(after(opened, '+a', '-head', '+head', '-a').rules).toEqual(opened)
})

test('an exclusion in the way of a tick is replaced by a list of all that is chosen', () => {
  expect(after({ include: [], exclude: ['*'] }, '+a').rules).toEqual({ include: ['a'], exclude: [] })
})

test('tensors that share a storage go by its first, as the engine does', () => {
  const tied = tensor('tied', 'factorize', { sharesStorageWith: 'a' })
  expect([...applyRules({ include: [], exclude: ['a'] }, [...tensors, tied]).excluded]).toEqual(['a', 'tied'])
})

test('whatever was ticked, the rules choose what the list shows', () => {
  const opened = { include: ['h*', 'b'], exclude: ['a'] }
  for (const ticks of [['+a'], ['-b', '+a'], ['+x{1,2}', '-head'], ['-b', '-head']]) {
    const { rules, chosen } = after(opened, ...ticks)
    const shown = applyRules(rules, tensors)
    expect(
      tensors.filter((one) => isCompressed(one, shown)).map(({ name }) => name),
      ticks.join(),
    ).toEqual(chosen)
  }
})

test('pins of a recipe stay word for word until one is added, and each is then named', () => {
  const all = ['a.q', 'b.q', 'b.k'].map((name) => tensor(name, 'factorize'))
  const written = applyRules({ include: [], exclude: [], pins: [{ match: '*.q', rank: 9 }] }, all)
  expect(written.pins).toEqual(
    new Map([
      ['a.q', 9],
      ['b.q', 9],
    ]),
  )
  const choice = { ...written, written }
  expect(rulesOf(all, choice)).toEqual(written.rules)
  const more = { ...choice, pins: new Map([...written.pins, ['b.k', 4]]) }
  expect(rulesOf(all, more).pins).toEqual([
    { match: 'a.q', rank: 9 },
    { match: 'b.q', rank: 9 },
    { match: 'b.k', rank: 4 },
  ])
  expect(rulesOf(all, { ...choice, pins: new Map() })).toEqual({ include: [], exclude: [] })
})
