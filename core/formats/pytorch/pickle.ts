/**
 * The pickle machine: Python's stack machine with its hands tied. It builds numbers, strings, containers and, through an allow-list its
 * caller hands in, tensors. A global outside that list becomes a node that carries its name; REDUCE, NEWOBJ, INST, OBJ and BUILD on it make
 * an opaque node. There is no import, no call and no attribute access here for a file to reach.
 *
 * Source: CPython Lib/pickletools.py, protocols 0 to 5. Every opcode reads its arguments before it acts, so that one cut off by the
 * window's end is simply read again (pickle-input.ts).
 */
import type { ByteSource } from '../../io.ts'
import { type PickleInput, pickleInput, WindowEnd } from './pickle-input.ts'
import { type PickleBudget, type PickleMeter, pickleMeter } from './pickle-limits.ts'
import { type PickleStack, pickleStack } from './pickle-stack.ts'
import { decimal, decimalOrBoolean, float, memoNumber, rawUnicode, reprString } from './pickle-text.ts'
import { type BytesNode, type GlobalNode, isNode, kindOf, type PickleValue } from './pickle-values.ts'

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

interface Machine {
  readonly input: PickleInput
  readonly stack: PickleStack
  readonly host: PickleHost
  readonly meter: PickleMeter
  /** A file in the pickle was met. */
  nested(file: BytesNode): void
}

type Opcode = (machine: Machine) => void

const highestProtocol = 5
const stop = 0x2e

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
  const meter = pickleMeter(source.name, start, budget)
  const input = pickleInput(source, start, meter)
  const nested = (file: BytesNode) => void budget.nested.set(file, budget.nested.get(file) ?? source)
  const machine: Machine = { input, stack: pickleStack(meter), host, meter, nested }
  for (;;) {
    meter.offset = input.position()
    if (input.isSpent()) {
      if (meter.offset >= source.byteLength) throw meter.fail('a STOP', `the end of the file at ${source.byteLength}`)
      await input.refill(meter.offset, 1)
    }
    try {
      meter.opcode()
      const code = input.u8()
      if (code === stop) return { value: machine.stack.result(), end: input.position() }
      const opcode = opcodes[code]
      if (!opcode)
        throw meter.fail('an opcode of pickle protocol 0 to 5', `byte 0x${code.toString(16).padStart(2, '0')}`)
      opcode(machine)
    } catch (error) {
      if (!(error instanceof WindowEnd)) throw error
      meter.undo()
      await input.refill(meter.offset, input.neededFrom(meter.offset, error))
    }
  }
}

function findGlobal({ host, meter }: Machine, module: string, name: string): GlobalNode {
  const full = `${module}.${name}`
  meter.objects(1)
  const known = host.global(full)
  if (known) return known
  meter.unknownGlobal(full)
  return { kind: 'global', name: full }
}

/** What Python would call; here a known global builds data and everything else becomes a name with its arguments. */
function reduce({ meter, nested }: Machine, target: PickleValue, args: readonly PickleValue[]): PickleValue {
  meter.objects(1)
  if (isNode(target, 'global') && target.build) {
    const made = target.build(args, meter.place())
    if (made !== args[0]) meter.copied(bytesCopied(made, args))
    if (isNode(made, 'storage') && made.nested) nested(made.nested)
    return made
  }
  meter.objects(3)
  const name = isNode(target, 'global') || isNode(target, 'opaque') ? target.name : kindOf(target)
  return { kind: 'opaque', name, args, state: null, items: [], keys: [], values: [] }
}

/** What making it has copied: anything may be an argument of any number of calls. */
function bytesCopied(made: PickleValue, from: readonly PickleValue[]): number {
  if (isNode(made, 'dict')) return 16 * made.keys.length
  if (isNode(made, 'list') || isNode(made, 'tuple') || isNode(made, 'set')) return 8 * made.items.length
  if (isNode(made, 'bytes')) return made.inline?.byteLength ?? 0
  // An array keeps the bytes it is given, which were counted where they were made.
  const data = isNode(made, 'array') ? made.content?.data : undefined
  return data && !from.includes(data) ? (data.inline?.byteLength ?? 0) : 0
}

function reduceWithTuple(machine: Machine): void {
  const args = argumentTuple(machine)
  machine.stack.push(reduce(machine, machine.stack.pop(), args))
}

function argumentTuple({ stack, meter }: Machine): readonly PickleValue[] {
  const args = stack.pop()
  if (!isNode(args, 'tuple')) throw meter.fail('a tuple of arguments', kindOf(args))
  return args.items
}

function build({ stack, host, meter }: Machine): void {
  const state = stack.pop()
  const target = stack.top()
  if (host.setState(target, state, meter.place())) {
    meter.copied(bytesCopied(target, isNode(state, 'tuple') ? state.items : []))
    return
  }
  // Attributes of a dict subclass (`_metadata` of a state dict) are of no use here; those of an unknown object may hold tensors.
  if (isNode(target, 'opaque')) target.state = state
}

function stackGlobal(machine: Machine): void {
  const name = machine.stack.pop()
  const module = machine.stack.pop()
  if (typeof name !== 'string' || typeof module !== 'string')
    throw machine.meter.fail('a module and a name', `${kindOf(module)} and ${kindOf(name)}`)
  machine.stack.push(findGlobal(machine, module, name))
}

const extension = (machine: Machine, code: number) =>
  machine.stack.push(findGlobal(machine, 'copyreg', `extension ${code}`))

/** A line that is kept as text counts as text. */
function textLine({ input, meter }: Machine): string {
  const line = input.line()
  meter.text(line.length)
  return line
}

function addAbove({ stack }: Machine): void {
  const items = stack.popMark()
  stack.addItems(stack.top(), items)
}

/** By code; STOP is the loop's. */
const opcodes: readonly (Opcode | undefined)[] = tableOf({
  // Frame
  PROTO: [
    0x80,
    ({ input, meter }) => {
      const protocol = input.u8()
      if (protocol > highestProtocol) throw meter.fail('pickle protocol 0 to 5', `${protocol}`)
    },
  ],
  FRAME: [0x95, ({ input }) => void input.length64()],

  // Stack and memo
  MARK: [0x28, ({ stack }) => stack.mark()],
  POP: [0x30, ({ stack }) => stack.drop()],
  POP_MARK: [0x31, ({ stack }) => void stack.popMark()],
  DUP: [0x32, ({ stack }) => stack.push(stack.top())],
  GET: [0x67, ({ input, stack, meter }) => stack.recall(memoNumber(input.line(), meter.fail))],
  BINGET: [0x68, ({ input, stack }) => stack.recall(input.u8())],
  LONG_BINGET: [0x6a, ({ input, stack }) => stack.recall(input.u32())],
  PUT: [0x70, ({ input, stack, meter }) => stack.remember(memoNumber(input.line(), meter.fail))],
  BINPUT: [0x71, ({ input, stack }) => stack.remember(input.u8())],
  LONG_BINPUT: [0x72, ({ input, stack }) => stack.remember(input.u32())],
  MEMOIZE: [0x94, ({ stack }) => stack.memoize()],

  // Constants and numbers
  NONE: [0x4e, ({ stack }) => stack.push(null)],
  NEWTRUE: [0x88, ({ stack }) => stack.push(true)],
  NEWFALSE: [0x89, ({ stack }) => stack.push(false)],
  INT: [0x49, ({ input, stack, meter }) => stack.push(decimalOrBoolean(input.line(), meter.fail))],
  LONG: [0x4c, ({ input, stack, meter }) => stack.push(decimal(input.line(), meter.fail))],
  BININT: [0x4a, ({ input, stack }) => stack.push(input.i32())],
  BININT1: [0x4b, ({ input, stack }) => stack.push(input.u8())],
  BININT2: [0x4d, ({ input, stack }) => stack.push(input.u16())],
  LONG1: [0x8a, ({ input, stack }) => stack.push(input.integer(input.u8()))],
  LONG4: [0x8b, ({ input, stack }) => stack.push(input.integer(input.u32()))],
  FLOAT: [0x46, ({ input, stack, meter }) => stack.push(float(input.line(), meter.fail))],
  BINFLOAT: [0x47, ({ input, stack }) => stack.push(input.float64())],

  // Strings and bytes
  STRING: [0x53, (machine) => machine.stack.push(reprString(textLine(machine), machine.meter.fail))],
  UNICODE: [0x56, (machine) => machine.stack.push(rawUnicode(textLine(machine)))],
  BINSTRING: [0x54, ({ input, stack }) => stack.push(input.byteString(input.u32()))],
  SHORT_BINSTRING: [0x55, ({ input, stack }) => stack.push(input.byteString(input.u8()))],
  BINUNICODE: [0x58, ({ input, stack }) => stack.push(input.text(input.u32()))],
  SHORT_BINUNICODE: [0x8c, ({ input, stack }) => stack.push(input.text(input.u8()))],
  BINUNICODE8: [0x8d, ({ input, stack }) => stack.push(input.text(input.length64()))],
  BINBYTES: [0x42, ({ input, stack }) => stack.push(input.bytes(input.u32()))],
  SHORT_BINBYTES: [0x43, ({ input, stack }) => stack.push(input.bytes(input.u8()))],
  BINBYTES8: [0x8e, ({ input, stack }) => stack.push(input.bytes(input.length64()))],
  BYTEARRAY8: [0x96, ({ input, stack }) => stack.push(input.bytes(input.length64()))],
  NEXT_BUFFER: [
    0x97,
    ({ meter }) => {
      throw meter.fail('a pickle that stands for itself', 'one that needs buffers kept outside it')
    },
  ],
  READONLY_BUFFER: [0x98, () => {}],

  // Containers
  EMPTY_TUPLE: [0x29, ({ stack }) => stack.sequence('tuple', [])],
  TUPLE: [0x74, ({ stack }) => stack.sequence('tuple', stack.popMark())],
  TUPLE1: [0x85, ({ stack }) => stack.sequence('tuple', [stack.pop()])],
  TUPLE2: [0x86, ({ stack }) => stack.sequence('tuple', [stack.pop(), stack.pop()].reverse())],
  TUPLE3: [0x87, ({ stack }) => stack.sequence('tuple', [stack.pop(), stack.pop(), stack.pop()].reverse())],
  EMPTY_LIST: [0x5d, ({ stack }) => stack.sequence('list', [])],
  LIST: [0x6c, ({ stack }) => stack.sequence('list', stack.popMark())],
  APPEND: [
    0x61,
    ({ stack }) => {
      const item = stack.pop()
      stack.addItems(stack.top(), [item])
    },
  ],
  APPENDS: [0x65, addAbove],
  EMPTY_SET: [0x8f, ({ stack }) => stack.sequence('set', [])],
  ADDITEMS: [0x90, addAbove],
  FROZENSET: [0x91, ({ stack }) => stack.sequence('set', stack.popMark())],
  EMPTY_DICT: [0x7d, ({ stack }) => stack.dict([])],
  DICT: [0x64, ({ stack }) => stack.dict(stack.popMark())],
  SETITEM: [
    0x73,
    ({ stack }) => {
      const value = stack.pop()
      const key = stack.pop()
      stack.setItems(stack.top(), [key, value])
    },
  ],
  SETITEMS: [
    0x75,
    ({ stack }) => {
      const pairs = stack.popMark()
      stack.setItems(stack.top(), pairs)
    },
  ],

  // Globals, and what Python would call
  GLOBAL: [0x63, (machine) => machine.stack.push(findGlobal(machine, ...machine.input.twoLines()))],
  STACK_GLOBAL: [0x93, stackGlobal],
  EXT1: [0x82, (machine) => extension(machine, machine.input.u8())],
  EXT2: [0x83, (machine) => extension(machine, machine.input.u16())],
  EXT4: [0x84, (machine) => extension(machine, machine.input.u32())],
  REDUCE: [0x52, reduceWithTuple],
  NEWOBJ: [0x81, reduceWithTuple],
  NEWOBJ_EX: [
    0x92,
    (machine) => {
      const keywords = machine.stack.pop()
      const args = argumentTuple(machine)
      machine.stack.push(reduce(machine, machine.stack.pop(), [...args.slice(0, 100), keywords]))
    },
  ],
  INST: [
    0x69,
    (machine) => {
      const target = findGlobal(machine, ...machine.input.twoLines())
      machine.stack.push(reduce(machine, target, machine.stack.popMark()))
    },
  ],
  OBJ: [
    0x6f,
    (machine) => {
      const [target, ...args] = machine.stack.popMark()
      if (target === undefined) throw machine.meter.fail('a class after the mark', 'nothing')
      machine.stack.push(reduce(machine, target, args))
    },
  ],
  BUILD: [0x62, build],
  PERSID: [0x50, ({ input, stack, host, meter }) => stack.push(host.persistent(input.line(), meter.place()))],
  BINPERSID: [0x51, ({ stack, host, meter }) => stack.push(host.persistent(stack.pop(), meter.place()))],
})

function tableOf(named: Readonly<Record<string, readonly [code: number, run: Opcode]>>): (Opcode | undefined)[] {
  const table = new Array<Opcode | undefined>(256).fill(undefined)
  for (const [code, run] of Object.values(named)) table[code] = run
  return table
}
