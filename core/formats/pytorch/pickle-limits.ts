/** What a pickle may cost, and who keeps the account. A few bytes of pickle can ask for any amount of memory, time or stack. */
import type { ByteSource } from '../../io.ts'
import { badFile, overLimit } from '../reading/refusal.ts'
import type { BytesNode } from './pickle-values.ts'

/** 100,000 tensors take about 5e6. Stops pickles that push and pop for ever, and lists of a byte an item. */
const maxOpcodes = 10_000_000
/** Containers, strings and calls: 100,000 tensors make about 8e5. Each costs 50 to 150 bytes however few it costs the file. */
export const maxObjects = 1_200_000
/** Items in all containers together; a list of a byte an item costs ten times that here. */
const maxItems = 4_000_000
/** Different names of code in one file; a model pickled whole has about 50. */
const maxUnknownGlobals = 10_000
/** Values waiting on the stack; an honest pickle of a dict sets its items in thousands. */
export const maxStack = 1_000_000
/** Open marks. Honest nesting is below 100; CPython's own pickler stops near 1000. */
export const maxMarks = 1000
/** Of one string that is kept as text. Longer byte strings stay in the file; longer text has no place in a weight file. */
export const maxStringBytes = 16_000_000
/** Of all text together. */
const maxTextBytes = 48_000_000
/** Bytes that calls copy out of what other calls are given as well: a few bytes each, however long that is. */
const maxCopiedBytes = 48_000_000
/** A line of protocol 0 that has no end would be searched to the end of the file. */
export const maxLineBytes = 16_000_000
/** Longer integers than 2048 bits are data in disguise. */
export const maxIntegerBytes = 256

/** What all pickles of one file spend together. */
export interface PickleBudget {
  opcodes: number
  objects: number
  items: number
  textBytes: number
  copiedBytes: number
  /** Globals outside the allow-list, in the order met. */
  readonly unknownGlobals: Set<string>
  /** Files that a pickle holds and would have torch load, each once. Whoever reads the pickle looks into them. */
  readonly nested: Map<BytesNode, ByteSource>
}

export function pickleBudget(): PickleBudget {
  return {
    opcodes: 0,
    objects: 0,
    items: 0,
    textBytes: 0,
    copiedBytes: 0,
    unknownGlobals: new Set(),
    nested: new Map(),
  }
}

/** Keeps the account of one pickle and says where it stands when it refuses. */
export interface PickleMeter {
  /** File offset of the opcode at work. */
  offset: number
  /** For sentences. */
  place(): string
  fail(expected: string, got: string): Error
  over(what: string, limit: number, got: number, why: string): Error
  /** At the beginning of each. */
  opcode(): void
  objects(count: number): void
  items(count: number): void
  text(byteLength: number): void
  copied(byteLength: number): void
  unknownGlobal(name: string): void
  /** Forgets what the opcode spent, because it has to be read again. */
  undo(): void
}

export function pickleMeter(where: string, start: number, budget: PickleBudget): PickleMeter {
  let objectsBefore = budget.objects
  let textBefore = budget.textBytes
  const meter: PickleMeter = {
    offset: start,
    place: () => `${where}: pickle at byte ${meter.offset}`,
    fail: (expected, got) => badFile(meter.place(), expected, got, { offset: meter.offset }),
    over: (what, limit, got, why) => overLimit(meter.place(), what, limit, got, why),
    opcode: () => {
      objectsBefore = budget.objects
      textBefore = budget.textBytes
      if (++budget.opcodes > maxOpcodes)
        throw meter.over('opcodes', maxOpcodes, budget.opcodes, 'no weight file needs so many')
    },
    objects: (count) => {
      budget.objects += count
      if (budget.objects > maxObjects)
        throw meter.over('objects', maxObjects, budget.objects, 'each costs more memory than it costs the file')
    },
    items: (count) => {
      budget.items += count
      if (budget.items > maxItems)
        throw meter.over('items in containers', maxItems, budget.items, 'no weight file has so many')
    },
    text: (byteLength) => {
      meter.objects(1)
      budget.textBytes += byteLength
      if (budget.textBytes > maxTextBytes)
        throw meter.over('bytes of text', maxTextBytes, budget.textBytes, 'no weight file has so many names')
    },
    copied: (byteLength) => {
      budget.copiedBytes += byteLength
      if (budget.copiedBytes > maxCopiedBytes)
        throw meter.over('bytes of copies', maxCopiedBytes, budget.copiedBytes, 'no weight file makes so many')
    },
    unknownGlobal: (name) => {
      budget.unknownGlobals.add(name)
      if (budget.unknownGlobals.size > maxUnknownGlobals)
        throw meter.over('names of code', maxUnknownGlobals, budget.unknownGlobals.size, 'no honest file has so many')
    },
    undo: () => {
      budget.objects = objectsBefore
      budget.textBytes = textBefore
    },
  }
  return meter
}
