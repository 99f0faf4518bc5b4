/**
 * The pickle machine: Python's stack machine with its hands tied. It builds numbers, strings, containers and, through an allow-list its
 * caller hands in, tensors. A global outside that list becomes a node that carries its name; REDUCE, NEWOBJ, INST, OBJ and BUILD on it make
 * an opaque node. There is no import, no call and no attribute access here for a file to reach.
 *
 * Source: CPython Lib/pickletools.py, protocols 0 to 5. Every opcode reads its arguments before it acts, so that an opcode cut off by the
 * window's end is simply read again from a larger window.
 */
import type { ByteSource } from '../io.ts'
import {
  type BytesNode,
  type DictNode,
  type GlobalNode,
  isNode,
  type OpaqueNode,
  type PickleNode,
  type PickleValue,
  type SequenceNode,
} from './pickle-values.ts'
import { readRange } from './range.ts'
import { badFile, overLimit } from './refusal.ts'

/** 100,000 tensors take about 5e6. Stops pickles that push and pop for ever, and lists of a byte an item. */
export const maxOpcodes = 10_000_000
/** Containers, strings and calls: 100,000 tensors make about 8e5. Each costs 50 to 150 bytes however few it costs the file. */
export const maxObjects = 1_200_000
/** Items in all containers together; a list of a byte an item costs ten times that here. */
export const maxItems = 4_000_000
/** Different names of code in one file; a model pickled whole has about 50. */
export const maxUnknownGlobals = 10_000
/** Values waiting on the stack; an honest pickle of a dict sets its items in thousands. */
export const maxStack = 1_000_000
/** Open marks. Honest nesting is below 100; CPython's own pickler stops near 1000. */
export const maxMarks = 1000
/** Of one string that is kept as text. Longer byte strings stay in the file; longer text has no place in a weight file. */
export const maxStringBytes = 16_000_000
/** Of all text together. */
export const maxTextBytes = 48_000_000
/** A line of protocol 0 that has no end would be searched to the end of the file. */
export const maxLineBytes = 16_000_000
/** Longer integers than 2048 bits are data in disguise. */
export const maxIntegerBytes = 256

/** Byte strings up to this length that are text become text (dict keys of Python 2); longer ones are array data. */
const textLength = 65_536
const windowBytes = 262_144

/** What the allow-list knows. */
export interface PickleHost {
  /** The builder for a known global; null for every other. */
  global(name: string): GlobalNode | null
  persistent(id: PickleValue, where: string): PickleValue
  /** BUILD on a node the host made; false when it is not one of those. */
  setState(target: PickleValue, state: PickleValue, where: string): boolean
}

export interface PickleResult {
  readonly value: PickleValue
  /** Where the byte after STOP lies. */
  readonly end: number
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An opcode needs more bytes than the window holds. Caught by the loop, never seen outside. */
class WindowEnd extends Error {
  readonly needed: number
  constructor(needed: number) {
    super('window end')
    this.needed = needed
  }
}

/** What all pickles of one file spend together. */
export interface PickleBudget {
  opcodes: number
  objects: number
  items: number
  textBytes: number
  /** Globals outside the allow-list, in the order met. */
  readonly unknownGlobals: Set<string>
}

export function pickleBudget(): PickleBudget {
  return { opcodes: 0, objects: 0, items: 0, textBytes: 0, unknownGlobals: new Set() }
}

/**
 * Runs one pickle that begins at `start`.
 * @param source ranges of large byte strings refer to it
 * @throws AppError `bad-file` with the byte offset, `over-limit`
 */
export async function runPickle(
  source: ByteSource,
  start: number,
  host: PickleHost,
  budget: PickleBudget,
): Promise<PickleResult> {
  const where = source.name
  let window: Uint8Array = new Uint8Array(0)
  /** File offset of the window's first byte. */
  let base = start
  let at = 0

  let stack: PickleValue[] = []
  /** Values below the open marks. */
  let covered = 0
  const marks: PickleValue[][] = []
  const memo = new Map<number, PickleValue>()
  let opcodeOffset = start

  const place = () => `${where}: pickle at byte ${opcodeOffset}`
  const fail = (expected: string, got: string) => badFile(place(), expected, got, { offset: opcodeOffset })
  const spend = (objects: number) => {
    budget.objects += objects
    if (budget.objects > maxObjects)
      throw overLimit(place(), 'objects', maxObjects, budget.objects, 'each costs more memory than it costs the file')
  }

  const spendItems = (items: number) => {
    budget.items += items
    if (budget.items > maxItems)
      throw overLimit(place(), 'items in containers', maxItems, budget.items, 'no weight file has so many')
  }

  /** Index in the window of `length` bytes that are consumed. */
  const take = (length: number): number => {
    if (at + length > window.byteLength) {
      if (base + at + length > source.byteLength)
        throw fail(`${length} more bytes`, `the end of the file at ${source.byteLength}`)
      throw new WindowEnd(at + length)
    }
    const from = at
    at += length
    return from
  }
  const view = (length: number) => {
    const from = take(length)
    return new DataView(window.buffer, window.byteOffset + from, length)
  }
  const u8 = () => window[take(1)]!
  const u16 = () => {
    const i = take(2)
    return window[i]! | (window[i + 1]! << 8)
  }
  const i32 = () => {
    const i = take(4)
    return window[i]! | (window[i + 1]! << 8) | (window[i + 2]! << 16) | (window[i + 3]! << 24)
  }
  const u32 = () => i32() >>> 0
  const length64 = (): number => {
    const length = view(8).getBigUint64(0, true)
    if (length > BigInt(source.byteLength))
      throw fail(`a length within the file's ${source.byteLength} bytes`, `${length}`)
    return Number(length)
  }
  const line = (): Uint8Array => {
    const end = window.indexOf(10, at)
    if (end < 0) {
      if (window.byteLength - at > maxLineBytes)
        throw overLimit(place(), 'bytes in a line', maxLineBytes, window.byteLength - at, 'it has no end')
      if (base + window.byteLength >= source.byteLength) throw fail('the end of a line', 'the end of the file')
      throw new WindowEnd(window.byteLength + Math.max(windowBytes, window.byteLength))
    }
    const bytes = window.subarray(at, end)
    at = end + 1
    return bytes
  }
  const text = (length: number): string => {
    if (length > maxStringBytes)
      throw overLimit(place(), 'bytes in one string', maxStringBytes, length, 'no name or setting is that long')
    const from = take(length)
    spendText(length)
    try {
      return utf8.decode(window.subarray(from, from + length))
    } catch {
      throw fail('UTF-8 text', 'a string that is not UTF-8')
    }
  }
  const spendText = (length: number) => {
    spend(1)
    budget.textBytes += length
    if (budget.textBytes > maxTextBytes)
      throw overLimit(place(), 'bytes of text', maxTextBytes, budget.textBytes, 'no weight file has so many names')
  }
  /** Stays in the file; the window moves past it. */
  const bytes = (length: number): BytesNode => {
    const offset = base + at
    if (offset + length > source.byteLength)
      throw fail(`${length} more bytes`, `the end of the file at ${source.byteLength}`)
    spend(1)
    at += length
    return { kind: 'bytes', offset, length }
  }
  /** Python 2's str: text where it is short and UTF-8, else bytes. */
  const byteString = (length: number): PickleValue => {
    if (length > textLength) return bytes(length)
    const from = take(length)
    spendText(length)
    try {
      return utf8.decode(window.subarray(from, from + length))
    } catch {
      return { kind: 'bytes', offset: base + from, length }
    }
  }

  const push = (value: PickleValue) => {
    if (covered + stack.length >= maxStack)
      throw overLimit(place(), 'values on the stack', maxStack, covered + stack.length + 1, 'no container is that wide')
    stack.push(value)
  }
  const pop = (): PickleValue => {
    const value = stack.pop()
    if (value === undefined) throw fail('a value on the stack', 'an empty stack')
    return value
  }
  const top = (): PickleValue => {
    const value = stack.at(-1)
    if (value === undefined) throw fail('a value on the stack', 'an empty stack')
    return value
  }
  const popMark = (): PickleValue[] => {
    const below = marks.pop()
    if (!below) throw fail('a mark on the stack', 'none')
    const items = stack
    stack = below
    covered -= below.length
    return items
  }
  const sequence = (kind: SequenceNode['kind'], items: PickleValue[]) => {
    spend(1)
    spendItems(items.length)
    push({ kind, items } as PickleNode)
  }
  const remember = (id: number) => {
    const value = top()
    if (memo.size >= maxObjects && !memo.has(id))
      throw overLimit(
        place(),
        'memo entries',
        maxObjects,
        memo.size + 1,
        'each costs more memory than it costs the file',
      )
    memo.set(id, value)
  }
  const recall = (id: number) => {
    const value = memo.get(id)
    if (value === undefined) throw fail('a memo entry that was stored', `entry ${id}`)
    push(value)
  }
  const addItems = (target: PickleValue, items: readonly PickleValue[]) => {
    spendItems(items.length)
    if (isNode(target, 'list') || isNode(target, 'set') || isNode(target, 'opaque'))
      for (const item of items) target.items.push(item)
    else throw fail('a list to append to', kindOf(target))
  }
  const setItems = (target: PickleValue, pairs: readonly PickleValue[]) => {
    spendItems(pairs.length)
    if (pairs.length % 2 !== 0) throw fail('keys with values', `${pairs.length} items`)
    if (!isNode(target, 'dict') && !isNode(target, 'opaque')) throw fail('a dict to set items in', kindOf(target))
    for (let i = 0; i < pairs.length; i += 2) {
      target.keys.push(pairs[i]!)
      target.values.push(pairs[i + 1]!)
    }
  }
  const dict = (pairs: readonly PickleValue[]) => {
    spend(2)
    const node: DictNode = { kind: 'dict', keys: [], values: [] }
    setItems(node, pairs)
    push(node)
  }
  const findGlobal = (module: string, name: string): GlobalNode => {
    const full = `${module}.${name}`
    spend(1)
    const known = host.global(full)
    if (known) return known
    budget.unknownGlobals.add(full)
    if (budget.unknownGlobals.size > maxUnknownGlobals)
      throw overLimit(
        place(),
        'names of code',
        maxUnknownGlobals,
        budget.unknownGlobals.size,
        'no honest file has so many',
      )
    return { kind: 'global', name: full }
  }
  const callee = (value: PickleValue): string =>
    isNode(value, 'global') || isNode(value, 'opaque') ? value.name : kindOf(value)
  /** What Python would call; here a known global builds data and everything else becomes a name with its arguments. */
  const reduce = (target: PickleValue, args: readonly PickleValue[]): PickleValue => {
    spend(1)
    if (isNode(target, 'global') && target.build) return target.build(args, place())
    spend(3)
    const opaque: OpaqueNode = {
      kind: 'opaque',
      name: callee(target),
      args,
      state: null,
      items: [],
      keys: [],
      values: [],
    }
    return opaque
  }
  const argumentsOf = (value: PickleValue): readonly PickleValue[] => {
    if (!isNode(value, 'tuple')) throw fail('a tuple of arguments', kindOf(value))
    return value.items
  }
  const build = (target: PickleValue, state: PickleValue) => {
    if (host.setState(target, state, place())) return
    // Attributes of a dict subclass (`_metadata` of a state dict) are of no use here; those of an unknown object may hold tensors.
    if (isNode(target, 'opaque')) target.state = state
  }
  const integer = (length: number): PickleValue => {
    if (length > maxIntegerBytes)
      throw overLimit(place(), 'bytes in an integer', maxIntegerBytes, length, 'no count is that long')
    const from = take(length)
    let value = 0n
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(window[from + i]!)
    return shorten(BigInt.asIntN(length * 8, value))
  }

  /** One opcode; true after STOP. */
  const step = (): boolean => {
    const opcode = u8()
    switch (opcode) {
      case 0x80: {
        // PROTO
        const protocol = u8()
        if (protocol > 5) throw fail('pickle protocol 0 to 5', `${protocol}`)
        break
      }
      case 0x95: // FRAME
        length64()
        break
      case 0x2e: // STOP
        return true
      case 0x28: // MARK
        if (marks.length >= maxMarks)
          throw overLimit(place(), 'open marks', maxMarks, marks.length + 1, 'no honest pickle nests so deep')
        marks.push(stack)
        covered += stack.length
        stack = []
        break
      case 0x30: // POP; of nothing it is POP_MARK
        if (stack.length > 0) stack.pop()
        else popMark()
        break
      case 0x31: // POP_MARK
        popMark()
        break
      case 0x32: // DUP
        push(top())
        break
      case 0x4e: // NONE
        push(null)
        break
      case 0x88: // NEWTRUE
        push(true)
        break
      case 0x89: // NEWFALSE
        push(false)
        break
      case 0x49: // INT
        push(decimalLine(latin1(line()), fail, true))
        break
      case 0x4c: // LONG
        push(decimalLine(latin1(line()), fail, false))
        break
      case 0x4a: // BININT
        push(i32())
        break
      case 0x4b: // BININT1
        push(u8())
        break
      case 0x4d: // BININT2
        push(u16())
        break
      case 0x8a: // LONG1
        push(integer(u8()))
        break
      case 0x8b: // LONG4
        push(integer(u32()))
        break
      case 0x46: {
        // FLOAT
        const digits = latin1(line())
        if (!/^[-+]?(\d+\.?\d*(e[-+]?\d+)?|\.\d+|inf|nan)$/i.test(digits) || digits.length > 400)
          throw fail('a number', 'something else')
        push(/inf/i.test(digits) ? (digits.startsWith('-') ? -Infinity : Infinity) : Number(digits))
        break
      }
      case 0x47: // BINFLOAT
        push(view(8).getFloat64(0, false))
        break
      case 0x53: {
        // STRING
        const quoted = line()
        spendText(quoted.byteLength)
        push(reprString(latin1(quoted), fail))
        break
      }
      case 0x56: {
        // UNICODE
        const escaped = line()
        spendText(escaped.byteLength)
        push(rawUnicode(latin1(escaped)))
        break
      }
      case 0x54: // BINSTRING
        push(byteString(u32()))
        break
      case 0x55: // SHORT_BINSTRING
        push(byteString(u8()))
        break
      case 0x58: // BINUNICODE
        push(text(u32()))
        break
      case 0x8c: // SHORT_BINUNICODE
        push(text(u8()))
        break
      case 0x8d: // BINUNICODE8
        push(text(length64()))
        break
      case 0x42: // BINBYTES
        push(bytes(u32()))
        break
      case 0x43: // SHORT_BINBYTES
        push(bytes(u8()))
        break
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        push(bytes(length64()))
        break
      case 0x29: // EMPTY_TUPLE
        sequence('tuple', [])
        break
      case 0x74: // TUPLE
        sequence('tuple', popMark())
        break
      case 0x85: // TUPLE1
        sequence('tuple', [pop()])
        break
      case 0x86: {
        // TUPLE2
        const second = pop()
        sequence('tuple', [pop(), second])
        break
      }
      case 0x87: {
        // TUPLE3
        const third = pop()
        const second = pop()
        sequence('tuple', [pop(), second, third])
        break
      }
      case 0x5d: // EMPTY_LIST
        sequence('list', [])
        break
      case 0x6c: // LIST
        sequence('list', popMark())
        break
      case 0x61: {
        // APPEND
        const item = pop()
        addItems(top(), [item])
        break
      }
      case 0x65: {
        // APPENDS
        const items = popMark()
        addItems(top(), items)
        break
      }
      case 0x8f: // EMPTY_SET
        sequence('set', [])
        break
      case 0x90: {
        // ADDITEMS
        const items = popMark()
        addItems(top(), items)
        break
      }
      case 0x91: // FROZENSET
        sequence('set', popMark())
        break
      case 0x7d: // EMPTY_DICT
        dict([])
        break
      case 0x64: // DICT
        dict(popMark())
        break
      case 0x73: {
        // SETITEM
        const value = pop()
        const key = pop()
        setItems(top(), [key, value])
        break
      }
      case 0x75: {
        // SETITEMS
        const items = popMark()
        setItems(top(), items)
        break
      }
      case 0x67: // GET
        recall(memoId(latin1(line()), fail))
        break
      case 0x68: // BINGET
        recall(u8())
        break
      case 0x6a: // LONG_BINGET
        recall(u32())
        break
      case 0x70: // PUT
        remember(memoId(latin1(line()), fail))
        break
      case 0x71: // BINPUT
        remember(u8())
        break
      case 0x72: // LONG_BINPUT
        remember(u32())
        break
      case 0x94: // MEMOIZE
        remember(memo.size)
        break
      case 0x63: {
        // GLOBAL
        const [module, name] = twoLines()
        push(findGlobal(module, name))
        break
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop()
        const module = pop()
        if (typeof name !== 'string' || typeof module !== 'string')
          throw fail('a module and a name', `${kindOf(module)} and ${kindOf(name)}`)
        push(findGlobal(module, name))
        break
      }
      case 0x52: {
        // REDUCE
        const args = argumentsOf(pop())
        push(reduce(pop(), args))
        break
      }
      case 0x81: {
        // NEWOBJ
        const args = argumentsOf(pop())
        push(reduce(pop(), args))
        break
      }
      case 0x92: {
        // NEWOBJ_EX
        const keywords = pop()
        const args = argumentsOf(pop())
        push(reduce(pop(), [...args.slice(0, 100), keywords]))
        break
      }
      case 0x69: {
        // INST
        const [module, name] = twoLines()
        const target = findGlobal(module, name)
        push(reduce(target, popMark()))
        break
      }
      case 0x6f: {
        // OBJ
        const [target, ...args] = popMark()
        if (target === undefined) throw fail('a class after the mark', 'nothing')
        push(reduce(target, args))
        break
      }
      case 0x62: {
        // BUILD
        const state = pop()
        build(top(), state)
        break
      }
      case 0x50: // PERSID
        push(host.persistent(latin1(line()), place()))
        break
      case 0x51: // BINPERSID
        push(host.persistent(pop(), place()))
        break
      case 0x82: // EXT1
        push(findGlobal('copyreg', `extension ${u8()}`))
        break
      case 0x83: // EXT2
        push(findGlobal('copyreg', `extension ${u16()}`))
        break
      case 0x84: // EXT4
        push(findGlobal('copyreg', `extension ${u32()}`))
        break
      case 0x97: // NEXT_BUFFER: data handed over beside the file, which a file has not
        throw fail('a pickle that stands for itself', 'one that needs buffers kept outside it')
      case 0x98: // READONLY_BUFFER
        break
      default:
        throw fail('an opcode of pickle protocol 0 to 5', `byte 0x${opcode.toString(16).padStart(2, '0')}`)
    }
    return false
  }
  const twoLines = (): [string, string] => {
    const module = line()
    const name = line()
    if (module.byteLength > 1000 || name.byteLength > 1000)
      throw fail('the name of a global', 'more than 1000 characters')
    spendText(module.byteLength + name.byteLength)
    return [latin1(module), latin1(name)]
  }

  const refill = async (needed: number): Promise<void> => {
    base += at
    at = 0
    const length = Math.min(Math.max(windowBytes, needed), source.byteLength - base)
    window = await readRange(source, base, base + length, 'pickle')
  }

  for (;;) {
    // An opcode moves `at` past what it skips, and past the window's end for long bytes.
    if (at >= window.byteLength) {
      opcodeOffset = base + at
      if (opcodeOffset >= source.byteLength) throw fail('a STOP', `the end of the file at ${source.byteLength}`)
      await refill(1)
    }
    const before = at
    opcodeOffset = base + at
    const spent = { objects: budget.objects, textBytes: budget.textBytes }
    try {
      if (++budget.opcodes > maxOpcodes)
        throw overLimit(place(), 'opcodes', maxOpcodes, budget.opcodes, 'no weight file needs so many')
      if (step()) break
    } catch (error) {
      if (!(error instanceof WindowEnd)) throw error
      budget.objects = spent.objects
      budget.textBytes = spent.textBytes
      at = before
      await refill(error.needed - before)
    }
  }
  const end = base + at
  if (stack.length !== 1 || marks.length > 0)
    throw fail('one value at STOP', `${stack.length} values and ${marks.length} marks`)
  return { value: stack[0]!, end }
}

/** A character for each byte. TextDecoder's latin1 is Windows-1252 and turns 0x80 to 0x9f into others. */
function latin1(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.byteLength; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return text
}

type Fail = (expected: string, got: string) => Error

function kindOf(value: PickleValue): string {
  return value === null ? 'None' : typeof value === 'object' ? `a ${value.kind}` : `a ${typeof value}`
}

function shorten(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function decimalLine(digits: string, fail: Fail, booleans: boolean): PickleValue {
  if (booleans && digits === '00') return false
  if (booleans && digits === '01') return true
  const plain = digits.endsWith('L') ? digits.slice(0, -1) : digits
  if (!/^[-+]?\d+$/.test(plain) || plain.length > 2 * maxIntegerBytes) throw fail('an integer', 'something else')
  return shorten(BigInt(plain))
}

function memoId(digits: string, fail: Fail): number {
  if (!/^\d{1,10}$/.test(digits)) throw fail('a memo number', 'something else')
  return Number(digits)
}

const simpleEscapes: Record<string, string> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** Python's repr of a byte string, in quotes: text where it is ASCII, else bytes. */
function reprString(repr: string, fail: Fail): PickleValue {
  const body = /^(['"])([\s\S]*)\1\s*$/.exec(repr)?.[2]
  if (body === undefined) throw fail('a quoted string', 'something else')
  const plain = body.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([\s\S]))/g, (whole, hex, octal, single) =>
    hex !== undefined
      ? String.fromCharCode(Number.parseInt(hex, 16))
      : octal !== undefined
        ? String.fromCharCode(Number.parseInt(octal, 8) & 255)
        : (simpleEscapes[single] ?? whole),
  )
  let ascii = true
  const inline = new Uint8Array(plain.length)
  for (let i = 0; i < plain.length; i++) {
    inline[i] = plain.charCodeAt(i)
    if (inline[i]! > 127) ascii = false
  }
  return ascii && plain.length <= textLength ? plain : { kind: 'bytes', offset: 0, length: inline.byteLength, inline }
}

/** Python's raw-unicode-escape. */
function rawUnicode(escaped: string): string {
  return escaped.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short, long) => {
    const code = Number.parseInt(short ?? long, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
