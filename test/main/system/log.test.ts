import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fileLog } from '../../../main/system/log.ts'
import { temporaryFolder } from '../engine/harness.ts'

it('keeps two bounded files', () => {
  const folder = temporaryFolder()
  const log = fileLog(join(folder, 'sub', 'log.txt'), 100)
  for (let i = 0; i < 9; i++) log(`fault ${i}\n    at somewhere`)
  expect(readdirSync(join(folder, 'sub'))).toEqual(['log.txt', 'log.txt.old'])
  const text = readFileSync(join(folder, 'sub', 'log.txt'), 'utf8')
  expect(text).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z fault \d\n {4}at somewhere\n/)
  expect(text.length).toBeLessThan(200)
})

it.runIf(process.platform !== 'win32')('waits for nobody who would read a pipe under its name', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'log.txt')
  execFileSync('mkfifo', [path])
  const log = fileLog(path)
  log('without a reader')
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  log('with one')
  expect(readSync(reader, Buffer.alloc(100))).toBe(0)
  closeSync(reader)
})

it('does not mind when it cannot be kept', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'file'), '')
  expect(() => fileLog(join(folder, 'file', 'log.txt'))('fault')).not.toThrow()
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('')
})
