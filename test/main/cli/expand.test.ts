import { writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { expandHome, expandPattern } from '../../../main/cli/expand.ts'
import { temporaryFolder } from './run.ts'

it.each([
  ['~', homedir()],
  ['~/models/a', `${homedir()}/models/a`],
  ['~\\models', `${homedir()}\\models`],
  ['~other/a', '~other/a'],
  ['a~', 'a~'],
])('stands for a folder of the user on Windows, where no shell says so: %s', (word, meant) => {
  expect(expandHome(word, 'win32')).toBe(meant)
  expect(expandHome(word, 'linux')).toBe(word)
})

it('finds the files that a pattern stands for on Windows, in order and in whatever case', async () => {
  const folder = await temporaryFolder()
  for (const name of ['Part-2.safetensors', 'part-1.safetensors', 'other.safetensors'])
    writeFileSync(join(folder, name), '')
  const pattern = join(folder, 'part-?.safe*')
  const found = ['Part-2.safetensors', 'part-1.safetensors'].map((name) => join(folder, name))
  expect(await expandPattern(pattern, 'win32')).toEqual(found)
  expect(await expandPattern(pattern, 'linux')).toEqual([pattern])
  // Said to be missing by its own name, later.
  expect(await expandPattern(join(folder, 'x*'), 'win32')).toEqual([join(folder, 'x*')])
})
