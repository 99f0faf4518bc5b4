import { expect, it } from 'vitest'
import { parseRecipe, recipeFile } from '../../core/contract.ts'
import { decodeText } from '../../core/decode-text.ts'
import { defaultParams } from '../../core/params.ts'

const text = recipeFile({ output: 'factors', params: defaultParams, include: ['层.*'], exclude: [] })

it.each<[string, (text: string) => Uint8Array]>([
  ['UTF-8', (all) => Buffer.from(all)],
  ['UTF-8 behind a byte order mark', (all) => Buffer.from(`\ufeff${all}`)],
  ['UTF-8 with the line ends of Windows', (all) => Buffer.from(all.replaceAll('\n', '\r\n'))],
  ['UTF-16, as PowerShell writes it', (all) => Buffer.from(`\ufeff${all}`, 'utf16le')],
  ['UTF-16, high byte first', (all) => Buffer.from(`\ufeff${all}`, 'utf16le').swap16()],
])('reads a recipe in %s', (_, encode) => {
  expect(parseRecipe(decodeText(encode(text)), 'recipe.json').include).toEqual(['层.*'])
})

it('is empty where the file is', () => {
  expect(decodeText(new Uint8Array())).toBe('')
})
