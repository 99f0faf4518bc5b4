/** The machine's stack, its marks and its memo, and the containers built on them. Running out of any is the file's fault and is said so. */
import { maxMarks, maxObjects, maxStack, type PickleMeter } from './pickle-limits.ts'
import { isNode, kindOf, type PickleNode, type PickleValue, type SequenceNode } from './pickle-values.ts'

export interface PickleStack {
  push(value: PickleValue): void
  pop(): PickleValue
  top(): PickleValue
  /** POP: of nothing it takes a mark away. */
  drop(): void
  mark(): void
  /** Everything above the last mark, which goes too. */
  popMark(): PickleValue[]
  sequence(kind: SequenceNode['kind'], items: PickleValue[]): void
  dict(pairs: readonly PickleValue[]): void
  addItems(target: PickleValue, items: readonly PickleValue[]): void
  setItems(target: PickleValue, pairs: readonly PickleValue[]): void
  remember(id: number): void
  /** Under the next number. */
  memoize(): void
  recall(id: number): void
  /** The value on top at STOP. */
  result(): PickleValue
}

export function pickleStack(meter: PickleMeter): PickleStack {
  let stack: PickleValue[] = []
  const marks: PickleValue[][] = []
  /** Values below the open marks. */
  let covered = 0
  const memo = new Map<number, PickleValue>()

  const push = (value: PickleValue) => {
    const depth = covered + stack.length + 1
    if (depth > maxStack) throw meter.over('values on the stack', maxStack, depth, 'no container is that wide')
    stack.push(value)
  }
  const pop = (): PickleValue => {
    const value = stack.pop()
    if (value === undefined) throw meter.fail('a value on the stack', 'an empty stack')
    return value
  }
  const top = (): PickleValue => {
    const value = stack.at(-1)
    if (value === undefined) throw meter.fail('a value on the stack', 'an empty stack')
    return value
  }
  const popMark = (): PickleValue[] => {
    const below = marks.pop()
    if (!below) throw meter.fail('a mark on the stack', 'none')
    const items = stack
    stack = below
    covered -= below.length
    return items
  }
  /** An array that grows has room for 17 at once: as much as two objects. */
  const firstItems = (items: readonly PickleValue[], arrays: number) => {
    if (items.length > 0) meter.objects(2 * arrays)
  }
  const setItems = (target: PickleValue, pairs: readonly PickleValue[]) => {
    meter.items(pairs.length)
    if (pairs.length % 2 !== 0) throw meter.fail('keys with values', `${pairs.length} items`)
    if (!isNode(target, 'dict') && !isNode(target, 'opaque')) throw meter.fail('a dict to set items in', kindOf(target))
    if (target.keys.length === 0) firstItems(pairs, 2)
    for (let i = 0; i < pairs.length; i += 2) {
      target.keys.push(pairs[i]!)
      target.values.push(pairs[i + 1]!)
    }
  }
  const remember = (id: number) => {
    const value = top()
    if (memo.size >= maxObjects && !memo.has(id))
      throw meter.over('memo entries', maxObjects, memo.size + 1, 'each costs more memory than it costs the file')
    memo.set(id, value)
  }

  return {
    push,
    pop,
    top,
    popMark,
    setItems,
    remember,
    drop: () => {
      if (stack.length > 0) stack.pop()
      else popMark()
    },
    mark: () => {
      if (marks.length >= maxMarks)
        throw meter.over('open marks', maxMarks, marks.length + 1, 'no honest pickle nests so deep')
      marks.push(stack)
      covered += stack.length
      stack = []
    },
    sequence: (kind, items) => {
      meter.objects(1)
      meter.items(items.length)
      push({ kind, items } as PickleNode)
    },
    dict: (pairs) => {
      // Two arrays.
      meter.objects(2)
      const node: PickleNode = { kind: 'dict', keys: [], values: [] }
      setItems(node, pairs)
      push(node)
    },
    addItems: (target, items) => {
      meter.items(items.length)
      if (!isNode(target, 'list') && !isNode(target, 'set') && !isNode(target, 'opaque'))
        throw meter.fail('a list to append to', kindOf(target))
      if (target.items.length === 0) firstItems(items, 1)
      for (const item of items) target.items.push(item)
    },
    memoize: () => remember(memo.size),
    recall: (id) => {
      const value = memo.get(id)
      if (value === undefined) throw meter.fail('a memo entry that was stored', `entry ${id}`)
      push(value)
    },
    // As CPython does: what lies below, or below a mark, is left there by code that was put in front of an honest pickle.
    result: () => {
      const value = stack.at(-1)
      if (value === undefined) throw meter.fail('a value at STOP', 'an empty stack')
      return value
    },
  }
}
