import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { messageSchema } from '../../../core/contract/messages.ts'
import { existsAlready } from '../../../core/errors.ts'
import { inEnglish, say, toEnglish, withEnglish } from '../../../core/messages/english.ts'
import { languages, sentencesIn } from '../../../core/messages/languages.ts'
import type { Message } from '../../../core/messages/message.ts'
import { type FileName, fileName, foreign, quoted } from '../../../core/messages/text.ts'

describe('texts in a message', () => {
  it('have no folders', () => {
    expect(fileName('/home/user/models/w.npy')).toBe('w.npy')
    expect(fileName('C:\\models\\w.npy')).toBe('w.npy')
    expect(fileName('models/llama/')).toBe('llama')
    expect(fileName('w.npy')).toBe('w.npy')
    expect(fileName('/')).toBe('/')
    expectTypeOf<string>().not.toExtend<FileName>()
  })

  it.each([fileName, quoted, foreign])('have no control characters and nothing that turns the line around', (make) => {
    for (const hostile of ['\x1b[2J', '\x07', '\u202e', '\u2028', '\x9b31m']) {
      const text = make(`w${hostile}.npy`)
      expect(text).not.toContain(hostile[0])
      expect(text).toMatch(/w\\u[0-9a-f]{4}/)
    }
  })

  it('are cut', () => {
    expect(quoted('x'.repeat(1000)).length).toBeLessThan(120)
    expect(foreign('x'.repeat(1000)).length).toBeLessThan(520)
  })
})

it('a key without its values, or with others, does not compile', () => {
  // @ts-expect-error no such key
  say('foreigner', { text: foreign('') })
  // @ts-expect-error no value
  expect(() => say('foreign')).not.toThrow()
  // @ts-expect-error a plain string, which may be a path
  say('foreign', { text: '/home/user/w.npy' })
  // @ts-expect-error a value that the sentence does not know
  say('foreign', { text: foreign(''), path: '' })
  // @ts-expect-error made by hand
  const made: Message = { key: 'foreign', values: {} }
  expect(made.key).toBe('foreign')
})

describe('a message that comes back from a file', () => {
  const message = say('foreign', { text: foreign('The disk is full.') })
  const written: unknown = JSON.parse(JSON.stringify({ said: message }, withEnglish))
  const read = (value: unknown) => z.strictObject({ said: messageSchema }).parse(value).said

  it('is what it was', () => {
    expect(written).toEqual({ said: { ...message, english: 'The disk is full.' } })
    expect(read(written)).toEqual(message)
  })

  it.each([
    { key: 'files.of-another-version', values: {}, english: 'Said by another version.' },
    { key: 'foreign', values: { text: 'other values' }, english: 'Said by another version.' },
  ])('is shown as it was said where its key or its values mean something else by now: %j', (said) => {
    expect(read({ said })).toMatchObject({ key: 'foreign', values: { text: 'Said by another version.' } })
  })
})

it('a message that crosses a process must have a key that is known', () => {
  expect(messageSchema.safeParse({ key: 'no.such', values: {} }).success).toBe(false)
  expect(messageSchema.safeParse({ key: 'toString', values: {} }).success).toBe(false)
  expect(messageSchema.parse(say('engine.connection-lost'))).toEqual(say('engine.connection-lost'))
})

it('advice is what can be done where it is read', () => {
  const { said, message } = existsAlready('/home/user/w.npy')
  expect(message).toBe('w.npy exists already. Choose another name, or overwrite it with --force.')
  expect(sentencesIn('en')(said)).toBe('w.npy exists already. Choose another name, or allow it to be replaced.')
  expect(sentencesIn('zh-CN')(said)).toBe('w.npy 已存在。请选择其他名称，或允许替换它。')
})

it('a shape has a sign in the page, and in a terminal a letter that one types', () => {
  const said = say('plan.rank', { shape: [512, 2048], rank: 8, before: 2e6, after: 1e6 })
  expect(inEnglish(said)).toMatch(/^512 x 2048 to rank 8/)
  for (const language of languages) expect(sentencesIn(language)(said)).toMatch(/^512 × 2048 /)
})

it('machines get English', () => {
  const report = { notices: [say('engine.connection-lost')], tensors: [{ name: 'w' }] }
  expect(JSON.parse(JSON.stringify(report, toEnglish()))).toEqual({
    notices: [inEnglish(say('engine.connection-lost'))],
    tensors: [{ name: 'w' }],
  })
})

it('a list that goes on says how many more there are, in either language, and its sentence ends in one dot', () => {
  const said = say('extract.only-base', { count: 1202, some: [quoted('a'), quoted('b')] })
  expect(inEnglish(said)).toBe('1202 tensors are in the base alone: "a", "b" and 1200 more.')
  expect(sentencesIn('en')(said)).toBe('1202 tensors are in the base alone: "a", "b" and 1,200 more.')
  expect(sentencesIn('zh-CN')(said)).toMatch(/："a"、"b" 等另外 1,200 项。$/)
  const all = say('extract.only-base', { count: 2, some: [quoted('a'), quoted('b')] })
  expect(inEnglish(all)).toBe('2 tensors are in the base alone: "a", "b".')
})
