/** The pickle machine under attack: every file here ends in one sentence or in plain data, and nothing of it runs. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { maxIntegerBytes } from '../../../../core/formats/pytorch/pickle-limits.ts'
import { inEnglish } from '../../../../core/messages/english.ts'
import { python, pythonHas } from '../../../python.ts'
import { sentencesOf } from '../../messages/words.ts'
import { checkpoint, int, le32, pickle, stateDict, str, tensor, zip } from '../archives/archives.ts'
import { concat, openBytes, refusal, text } from '../corpus.ts'

const sentence = async (bytes: Uint8Array, name = 'x.pkl') => (await refusal(() => openBytes(name, bytes))).message
/** One good array, so that a file has something to show. */
const arrayBytes = concat(
  text('cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK'),
  Uint8Array.of(0, 0x85),
  text('U'),
  Uint8Array.of(1),
  text('btR'),
  text('(K'),
  Uint8Array.of(1),
  text('K'),
  Uint8Array.of(2, 0x85),
  text('cnumpy\ndtype\nU'),
  Uint8Array.of(2),
  text('u1'),
  Uint8Array.of(0x89, 0x88, 0x87),
  text('R'),
  Uint8Array.of(0x89),
  text('U'),
  Uint8Array.of(2),
  text('abtb'),
)

describe('code in a pickle', () => {
  it.each([
    ['os.system by GLOBAL and REDUCE', pickle("cposix\nsystem\n(S'id'\ntR."), 'posix.system'],
    ['os.system by STACK_GLOBAL', pickle(0x80, 4, str('os'), str('system'), 0x93, str('id'), 0x85, 'R.'), 'os.system'],
    ['eval by INST', pickle("(S'1'\ni__builtin__\neval\n."), '__builtin__.eval'],
    ['exec by OBJ', pickle("(c__builtin__\nexec\nS'1'\no."), '__builtin__.exec'],
    ['a class by NEWOBJ', pickle(0x80, 2, 'csubprocess\nPopen\n)', 0x81, '.'), 'subprocess.Popen'],
    ['a class by NEWOBJ_EX', pickle(0x80, 4, 'csubprocess\nPopen\n)}', 0x92, '.'), 'subprocess.Popen'],
    ['a getattr chain', pickle("cbuiltins\ngetattr\n(cos\npath\nS'join'\ntR."), 'builtins.getattr, os.path'],
    ['an extension code', pickle(0x80, 2, 0x82, 7, '.'), 'copyreg.extension 7'],
    ['code below a known name', pickle('ctorch\nload\n(tR.'), 'torch.load'],
    [
      'code by a dotted name',
      pickle(0x80, 4, str('torch'), str('serialization.os.system'), 0x93, '.'),
      'torch.serialization.os.system',
    ],
    ['a known name in a false module', pickle('cevil\n_rebuild_tensor_v2\n(tR.'), 'evil._rebuild_tensor_v2'],
  ])('%s', async (_, bytes, names) => {
    expect(await sentence(bytes)).toBe(
      `This file would run ${names} when loaded with torch.load. GhostSVD did not run it. x.pkl: expected tensors, got none.`,
    )
  })

  it('beside tensors: they are shown, the code is named', async () => {
    const bytes = pickle('}(', str('w'), arrayBytes, str('x'), "cposix\nsystem\n(S'id'\ntR", 'u.')
    const file = await openBytes('x.pkl', bytes)
    expect(file.tensors.map((t) => t.name)).toEqual(['w'])
    expect(sentencesOf(file.notices)).toEqual([
      'This file would run posix.system when loaded with torch.load. GhostSVD did not run it.',
    ])
    expect(file.safety).toBe('opened-without-running')
  })

  it('in a file that is damaged behind it: the code comes first', async () => {
    const said = await sentence(pickle("cposix\nsystem\n(S'id'\ntR", 0xff, '.'))
    expect(said).toMatch(
      /^This file would run posix\.system when loaded with torch\.load\. GhostSVD did not run it\. x\.pkl/,
    )
  })

  it('in a second pickle after the STOP', async () => {
    const bytes = pickle('}(', str('w'), arrayBytes, 'u.', "cposix\nsystem\n(S'id'\ntR.")
    expect(sentencesOf((await openBytes('x.pkl', bytes)).notices)).toEqual([
      'This file would run posix.system when loaded with torch.load. GhostSVD did not run it.',
    ])
  })

  it('in a second pickle of a zip member, and in other pickles of the archive', async () => {
    const good = stateDict({ w: tensor({ shape: [1], strides: [1], length: 1 }) })
    const members = checkpoint(concat(good, pickle('cposix\nsystem\n.')), { 0: new Uint8Array(4) })
    const bytes = zip([...members, { name: 'archive/extra/other.pkl', data: pickle('cos\nremove\n.') }])
    const file = await openBytes('x.pt', bytes)
    expect(file.tensors).toHaveLength(1)
    expect(sentencesOf(file.notices)).toEqual([
      'This file would run posix.system, os.remove when loaded with torch.load. GhostSVD did not run it.',
    ])
  })

  it('an object of protocol 0: its class is named, not what makes every object', async () => {
    const bytes = pickle(
      '}(',
      str('x'),
      'ccopy_reg\n_reconstructor\n(cm\nThing\nc__builtin__\nobject\nNtR}',
      str('w'),
      arrayBytes,
      'sbu.',
    )
    const file = await openBytes('x.pkl', bytes)
    expect(file.tensors.map((t) => t.name)).toEqual(['x.w'])
    expect(sentencesOf(file.notices)).toEqual([
      'This file would run m.Thing when loaded with torch.load. GhostSVD did not run it.',
    ])
  })

  it('in a state given to a known object', async () => {
    const bytes = pickle('}(', str('w'), arrayBytes, 'u(', str('x'), 'cposix\nsystem\n', 'd', 'b.')
    expect(inEnglish((await openBytes('x.pkl', bytes)).notices[0]!)).toMatch(/posix\.system/)
  })

  it('names of control characters are no longer for being shown as escapes', async () => {
    const type = `torch\nFloatStorage${'\u0011'.repeat(100)}`
    const storage = pickle('(', str('storage'), `c${type}\n`, str('0'), str('cpu'), 'K', 1, 'tQ')
    const one = pickle('ctorch._utils\n_rebuild_tensor_v2\n(', storage, 'K', 0, '(K\x01t(K\x01t', 0x89, 'NtR')
    const root = pickle(0x80, 2, '}(', str('a'), one, str('b'), one, str('c'), one, 'u.')
    const { message } = await refusal(() => openBytes('x.pt', zip(checkpoint(root, { 0: new Uint8Array(4) }))))
    expect(message.length).toBeLessThan(800)
  })
  it('names are cut and cleaned before they are shown', async () => {
    const name = `\u202e\u001b[31m${'x'.repeat(300)}`
    const message = await sentence(pickle(`c${name}\nf\n.`), 'x.pkl').catch(() =>
      sentence(pickle(0x80, 4, str('a'), str('b'), 0x93, '.')),
    )
    for (const bad of ['\u001b', '\u202e']) expect(message).not.toContain(bad)
    expect(message.length).toBeLessThan(400)
  })

  it('nothing runs: the file that each of these would make never appears', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-marker-'))
    try {
      for (let protocol = 0; protocol <= 5; protocol++) {
        const marker = join(folder, `marker-${protocol}`)
        const bytes = concat(
          pickle('}(', str('w'), arrayBytes, str('x')),
          pickle(`cposix\nsystem\n(X`, le32(6 + marker.length), `touch ${marker}`, 'tR', 'u.'),
        )
        await openBytes('x.pkl', protocol < 2 ? bytes : concat(Uint8Array.of(0x80, protocol), bytes))
        expect(existsSync(marker)).toBe(false)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

it.runIf(pythonHas())('pickles that Python does run leave no trace here', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ghostsvd-marker-'))
  const marker = join(folder, 'ran')
  try {
    const file = join(folder, 'evil.pkl')
    const script = `
import os, pickle, sys
class Evil:
    def __reduce__(self): return (os.system, ('touch ' + sys.argv[2],))
for protocol in range(6):
    with open(sys.argv[1] + str(protocol), 'wb') as out: pickle.dump({'a': Evil(), 'b': [1, 2.5, 'x']}, out, protocol)
`
    execFileSync(python, ['-c', script, file, marker])
    for (let protocol = 0; protocol <= 5; protocol++) {
      const bytes = new Uint8Array(readFileSync(`${file}${protocol}`))
      expect(await sentence(bytes)).toMatch(/This file would run posix\.system when loaded with torch\.load/)
      expect(existsSync(marker)).toBe(false)
    }
    execFileSync(python, ['-c', `import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))`, `${file}2`])
    expect(existsSync(marker)).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('code in a file in a pickle, which torch.load loads as well', () => {
  const system = "cposix\nsystem\n(S'id'\ntR"
  /** A storage as torch.save wrote it before 1.6. */
  const storage = (code: string) =>
    concat(
      pickle(0x80, 2, 0x8a, 10, Uint8Array.of(0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19), '.'),
      pickle(0x80, 2, 'M', Uint8Array.of(0xe9, 3), '.'),
      pickle(0x80, 2, '}.'),
      pickle(0x80, 2, code, '(', str('storage'), 'ctorch\nFloatStorage\n', str('0'), str('cpu'), 'K', 1, 'NtQ.'),
      pickle(0x80, 2, ']', str('0'), 'a.'),
      new Uint8Array(8).fill(1, 0, 1),
      new Uint8Array(4),
    )
  const loaded = (file: Uint8Array) =>
    pickle('ctorch.storage\n_load_from_bytes\n', 'B', le32(file.byteLength), file, 0x85, 'R')
  const notices = async (then: Uint8Array) => {
    const file = await openBytes('x.pkl', pickle('(dVa\n', arrayBytes, 's', then, '.'))
    return [file.tensors.length, ...sentencesOf(file.notices)]
  }
  const would = (names: string) => `This file would run ${names} when loaded with torch.load. GhostSVD did not run it.`

  it('is named where the storage is used, and where it is dropped at once', async () => {
    const used = (code: string) => pickle('Vb\n', loaded(storage(code)), 's')
    expect(await notices(used(''))).toEqual([2])
    expect(await notices(used(`${system}0`))).toEqual([2, would('posix.system')])
    expect(await notices(pickle(loaded(storage(`${system}0`)), '0'))).toEqual([1, would('posix.system')])
  })
  it('is what a file is that is no storage, however deep it lies', async () => {
    const dropped = (file: Uint8Array) => pickle(loaded(file), '0')
    const inner = 'torch.storage._load_from_bytes'
    expect(await notices(dropped(pickle(system, '.')))).toEqual([1, would(`posix.system, ${inner}`)])
    expect(await notices(dropped(text('PK')))).toEqual([1, would(inner)])
    const deep = pickle(dropped(pickle(dropped(pickle(system, '.')), 'N.')), 'N.')
    expect(await notices(dropped(deep))).toEqual([1, would(`${inner}, posix.system`)])
  })
})

describe('bounds', () => {
  it('nested 100,000 deep, by marks', async () => {
    expect(await sentence(pickle('('.repeat(100_000)))).toMatch(/at most 1000 open marks, got 1001/)
  })
  it('nested 100,000 deep, by lists in lists', async () => {
    expect(await sentence(pickle(']'.repeat(100_000), 'a'.repeat(99_999), '.'))).toMatch(
      /at most 256 levels of nesting/,
    )
  })
  it('nested 100,000 deep, by tuples', async () => {
    expect(await sentence(concat(text(')'), new Uint8Array(100_000).fill(0x85), text('.')))).toMatch(
      /at most 256 levels of nesting/,
    )
  })
  it('nested 100,000 deep, by tensors whose class is made by the function that makes classes', async () => {
    const from = pickle('ctorch._tensor\n_rebuild_from_type_v2\nq', 0, 'ctorch\nTensor\nq', 1, '(]tq', 2)
    const level = pickle('(h', 0, 'h', 1, 'h', 2, 'Ntq', 2, '0')
    const levels = new Uint8Array(100_000 * level.byteLength)
    for (let i = 0; i < 100_000; i++) levels.set(level, i * level.byteLength)
    expect(await sentence(concat(from, levels, pickle('h', 0, 'h', 2, 'R.')))).toMatch(/at most 256 levels of nesting/)
  })
  it('nested 10,000 deep, by tensors that are all of a tensor of another class', async () => {
    const classes = pickle(
      ...['ctorch._tensor\n_rebuild_from_type_v2\nq', 0, 'ca\nb\nq', 1],
      ...['ctorch._utils\n_rebuild_wrapper_subclass\nq', 2, '(h', 1, 'N)tq', 3, 'Nq', 4],
    )
    const level = pickle('h', 0, '(h', 2, 'h', 1, 'h', 3, '}', str('_tensor'), 'h', 4, 'stRq', 4, '0')
    const levels = new Uint8Array(10_000 * level.byteLength)
    for (let i = 0; i < 10_000; i++) levels.set(level, i * level.byteLength)
    expect(await sentence(concat(classes, levels, pickle('h', 4, '.')))).toMatch(/at most 256 levels of nesting/)
  })
  it('names with half a surrogate pair, which no file of weights can have', async () => {
    const file = await openBytes('x.pkl', pickle('(dVa\\ud800\n', arrayBytes, 'sVa\\ud801\n', arrayBytes, 's.'))
    expect(file.tensors.map(({ name }) => name)).toEqual(['a\ufffd', 'a\ufffd (2)'])
  })
  it('a memo bomb: 100 levels of 100 references', async () => {
    const levels = Array.from({ length: 100 }, (_, i) =>
      pickle('](', ...Array.from({ length: 100 }, () => pickle('h', i)), 'eq', i + 1),
    )
    expect(await sentence(concat(text(']q\0'), ...levels, text('.')))).toMatch(
      /expected one value at STOP|expected tensors, got none/,
    )
    const closed = concat(text('(]q\0'), ...levels, text('t.'))
    expect(await sentence(closed)).toMatch(/expected tensors, got none/)
  })
  it('a memo bomb: a list that holds itself', async () => {
    expect(await sentence(pickle(']q', 0, 'h', 0, 'a.'))).toMatch(/expected tensors, got none/)
  })
  it('a key that holds a tuple a trillion times over, or in 100,000 levels', async () => {
    const doubled = Array.from({ length: 40 }, (_, i) => pickle('q', i, 'h', i, 0x86))
    expect(await sentence(pickle(0x80, 2, '})', ...doubled, 'Ns.'))).toMatch(/expected tensors, got none/)
    const deep = new Uint8Array(100_000).fill(0x85)
    expect(await sentence(pickle(0x80, 2, '})', deep, 'Ns.'))).toMatch(/expected tensors, got none/)
  })
  it('names that are paths of one long key', async () => {
    const key = pickle('X', le32(1_000_000), 'k'.repeat(1_000_000), 'q', 1)
    const bytes = pickle(0x80, 2, key, '}', 'h\x01}'.repeat(100), 'h\x01', arrayBytes, 's'.repeat(101), '.')
    expect(await sentence(bytes)).toMatch(/at most 16000 characters in a name/)
  })
  it('keys that differ at their ends alone, and are too long to be told apart by their hashes', async () => {
    const long = (i: number) =>
      concat(text('X'), le32(17_000), text('k'.repeat(16_990) + String(i).padStart(10)), text('N'))
    const bytes = pickle(0x80, 2, '}(', ...Array.from({ length: 500 }, (_, i) => long(i)), 'u.')
    expect(await sentence(bytes)).toMatch(/at most 16000 characters in a name, got 17000/)
  })
  it('calls that copy one list, or one text, again and again', async () => {
    const calls = (name: string, argument: Uint8Array) =>
      pickle(
        0x80,
        2,
        `c${name}\nq`,
        0,
        argument,
        'q',
        1,
        '(',
        ...Array(200).fill(pickle('h', 0, 'h', 1, 0x85, 'R')),
        'l.',
      )
    const copies = /at most 48000000 bytes of copies/
    expect(await sentence(calls('builtins\nlist', pickle('(', 'N'.repeat(100_000), 't')))).toMatch(copies)
    expect(await sentence(calls('_codecs\nencode', pickle('X', le32(1_000_000), 'k'.repeat(1_000_000))))).toMatch(
      copies,
    )
  })
  it('20,000 tensors of one name', async () => {
    const one = pickle('h', 1)
    const bytes = pickle(0x80, 2, 'ca\nb\n(', arrayBytes, 'q', 1, ...Array(20_000).fill(one), 'tR.')
    const { tensors } = await openBytes('x.pkl', bytes)
    expect([tensors[0]!.name, tensors[1]!.name, tensors.at(-1)!.name]).toEqual([
      'tensor',
      'tensor (2)',
      'tensor (20001)',
    ])
  })
  it('more objects than memory', async () => {
    expect(await sentence(pickle(']', ']0'.repeat(1_300_000), '.'))).toMatch(/at most 1200000 objects/)
  })
  it('more opcodes than patience', async () => {
    expect(await sentence(pickle(0x80, 2, 'N', 'N0'.repeat(5_000_001), '.'))).toMatch(/at most 10000000 opcodes/)
  })
  it('a list of a byte an item', async () => {
    const bytes = pickle(0x80, 2, ']', `(${'N'.repeat(900)}e`.repeat(5000), '.')
    expect(await sentence(bytes)).toMatch(/at most 4000000 items in containers/)
  })
  it('a hundred thousand names of code', async () => {
    const names = Array.from({ length: 100_000 }, (_, i) => `cm${i}\nf\n0`).join('')
    expect(await sentence(pickle('(l', names, '.'))).toMatch(/at most 10000 names of code/)
  })
  it('a stack of a million values', async () => {
    expect(await sentence(pickle(0x80, 2, 'N'.repeat(1_000_001)), 'x.pkl')).toMatch(
      /at most 1000000 values on the stack/,
    )
    expect(await sentence(pickle(`(${'N'.repeat(2000)}`.repeat(600)), 'x.pkl')).toMatch(
      /at most 1000000 values on the stack/,
    )
  })
  it('an endless string: a length beyond the file', async () => {
    expect(await sentence(pickle('(X', le32(0x7fff_ffff), 'abc'))).toMatch(/in one string, got 2147483647/)
    expect(await sentence(pickle('(', 0x8d, Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127)))).toMatch(
      /a length within the file's/,
    )
    expect(await sentence(pickle('(B', le32(0x7fff_ffff), 'abc'))).toMatch(
      /expected 2147483647 more bytes, got the end of the file/,
    )
    expect(await sentence(pickle('(T', le32(0xffff_ffff), 'abc'))).toMatch(/more bytes, got the end of the file/)
  })
  it('an endless string: a line without an end', async () => {
    expect(await sentence(pickle('(V', 'x'.repeat(1000)))).toMatch(/the end of a line, got the end of the file/)
    expect(await sentence(pickle('(V', 'x'.repeat(17_000_000)))).toMatch(/at most 16000000 bytes in a line/)
  })
  it('texts that together fill memory', async () => {
    const long = pickle('X', le32(15_000_000), 'x'.repeat(15_000_000), '0')
    expect(await sentence(concat(text('('), long, long, long, long, text('.')))).toMatch(
      /at most 48000000 bytes of text/,
    )
  })
  it('an integer of a gigabyte', async () => {
    expect(await sentence(pickle('(', 0x8b, le32(2 ** 30)))).toMatch(/at most 256 bytes in an integer/)
    expect(await sentence(pickle(`(L${'9'.repeat(1000)}L\n.`))).toMatch(/expected an integer/)
    expect(maxIntegerBytes).toBeLessThan(1024)
  })
  it('a stack that runs out', async () => {
    for (const bad of [
      '(0.',
      '(.',
      '(t',
      '(R',
      '(s',
      '(u',
      '(b',
      '(a',
      '(e',
      '(00',
      '(l00',
      '(2',
      '(h\0.',
      '(g1\n.',
      '(Q',
      '(o.',
      '(d0.',
      '(1.',
    ])
      expect(await sentence(pickle(bad))).toMatch(/expected .* got /)
  })
  it('opcodes on the wrong things', async () => {
    for (const bad of ['(NR.', '(NNR.', '(NNa.', '(NNNs.', '(N(Ne.', '(Nd.', ']NNs.', '}(Nu.', '(NNb.'])
      expect(await sentence(pickle(bad))).toMatch(/expected .* got /)
    expect(await sentence(pickle('(NN', 0x93, '.'))).toMatch(/a module and a name/)
  })
  it('bytes that are no opcode, protocols nobody knows, buffers from elsewhere', async () => {
    expect(await sentence(pickle('(\xff'))).toMatch(/an opcode of pickle protocol 0 to 5, got byte 0xc3/)
    expect(await sentence(pickle('(', 0x80, 6, '.'))).toMatch(/protocol 0 to 5, got 6/)
    expect(await sentence(pickle(0x80, 5, 0x97, '.'))).toMatch(/buffers kept outside/)
  })
  it('lists in lists, each of which takes room for more: counted as what they cost', async () => {
    const deep = pickle(']'.repeat(450_001), 'a'.repeat(450_000), '.')
    expect(await sentence(deep)).toMatch(/at most 1200000 objects/)
  })
  it('bytes after the last STOP that are no pickle', async () => {
    expect(await sentence(pickle('}(', str('w'), arrayBytes, 'u.', '!garbage'))).toMatch(/expected an opcode/)
  })
  it('truncated at every 1/20 of its length', async () => {
    const good = stateDict({ w: tensor({ shape: [2, 3], strides: [3, 1], length: 6 }) })
    for (let i = 1; i < 20; i++)
      expect(await sentence(good.subarray(0, Math.floor((good.byteLength * i) / 20)), 'x.pt')).toMatch(
        /expected .* got /,
      )
  })
})

describe('tensors that are not what they say', () => {
  const open = (spec: Parameters<typeof tensor>[0], storage: number) =>
    refusal(() => openBytes('x.pt', zip(checkpoint(stateDict({ w: tensor(spec) }), { 0: new Uint8Array(storage) }))))

  it('a view outside its storage', async () => {
    expect((await open({ shape: [2, 3], strides: [3, 1], offset: 1, length: 6 }, 24)).message).toMatch(
      /inside its storage of 24 bytes, got one that reaches byte 28/,
    )
    expect((await open({ shape: [2, 2], strides: [5, 1], length: 6 }, 24)).message).toMatch(/reaches byte 28/)
  })
  it('strides and shapes whose product overflows', async () => {
    const huge = 2_147_483_647
    expect((await open({ shape: [huge, huge, huge], strides: [1, 1, 1], length: 6 }, 24)).message).toMatch(
      /below 2\^53/,
    )
    expect((await open({ shape: [3, 3], strides: [huge, huge], length: 6 }, 24)).message).toMatch(/inside its storage/)
  })
  it('negative sizes, strides and offsets', async () => {
    for (const spec of [
      { shape: [-1], strides: [1], length: 6 },
      { shape: [1], strides: [-1], length: 6 },
      { shape: [1], strides: [1], offset: -1, length: 6 },
      { shape: [1, 1], strides: [1], length: 6 },
    ])
      expect((await open(spec, 24)).message).toMatch(/none negative/)
  })
  it('a storage shorter or longer than it claims, or not there', async () => {
    expect((await open({ shape: [6], strides: [1], length: 6 }, 20)).message).toMatch(
      /a storage of 24 bytes, got 20 bytes/,
    )
    expect((await open({ shape: [6], strides: [1], length: 6 }, 28)).message).toMatch(
      /a storage of 24 bytes, got 28 bytes/,
    )
    expect((await open({ shape: [6], strides: [1], length: 6, key: '../0' }, 24)).message).toMatch(/no such member/)
  })
  it('four bytes expanded to a terabyte', async () => {
    expect((await open({ shape: [1_000_000, 250_000], strides: [0, 0], length: 1 }, 4)).message).toMatch(
      /bytes of tensors for its storages, got 1000000000000/,
    )
  })
  it('a thousand views of one storage', async () => {
    const views = Object.fromEntries(
      Array.from({ length: 1000 }, (_, i) => [
        `v${i}`,
        tensor({ shape: [99_000], strides: [1], offset: i, length: 100_000 }),
      ]),
    )
    const error = await refusal(() =>
      openBytes('x.pt', zip(checkpoint(stateDict(views), { 0: new Uint8Array(400_000) }))),
    )
    expect(error.message).toMatch(/bytes of tensors for its storages/)
  })
  it('more dimensions than PyTorch has', async () => {
    expect((await open({ shape: Array(65).fill(1), strides: Array(65).fill(1), length: 6 }, 24)).message).toMatch(
      /at most 64 dimensions, got 65/,
    )
  })
  it('dtypes that are not read are named and left out', async () => {
    const both = stateDict({
      w: tensor({ shape: [2], strides: [1], length: 2 }),
      z: tensor({ shape: [2], strides: [1], length: 2, key: '1', type: 'ComplexDoubleStorage' }),
    })
    const file = await openBytes('x.pt', zip(checkpoint(both, { 0: new Uint8Array(8), 1: new Uint8Array(32) })))
    expect(file.tensors.map((t) => t.name)).toEqual(['w'])
    expect(sentencesOf(file.notices)).toEqual([
      'Left out, because their values are not read: "z" (torch.ComplexDoubleStorage).',
    ])
  })
  it('a persistent id that is no storage', async () => {
    expect(await sentence(pickle(0x80, 2, str('x'), 'Q.'), 'x.pt')).toMatch(/persistent id/)
    expect(await sentence(pickle(`(Px\n.`), 'x.pt')).toMatch(/persistent id/)
  })
  it('a bare pickle whose storages are elsewhere', async () => {
    expect(await sentence(stateDict({ w: tensor({ shape: [1], strides: [1], length: 1 }) }), 'x.bin')).toMatch(
      /a reference to a storage outside it/,
    )
  })
  it('names that clash once their wrapper is gone', async () => {
    const t = tensor({ shape: [1], strides: [1], length: 1 })
    const root = pickle(
      0x80,
      2,
      '}(',
      str('w'),
      t,
      str('model'),
      '}(',
      str('w'),
      tensor({ shape: [1, 1], strides: [1, 1], length: 1 }),
      'uu.',
    )
    const file = await openBytes('x.pt', zip(checkpoint(root, { 0: new Uint8Array(4) })))
    expect(file.tensors.map((x) => [x.name, x.shape])).toEqual([
      ['w', [1]],
      ['model.w', [1, 1]],
    ])
    expect(int(1)).toHaveLength(5)
  })
})
