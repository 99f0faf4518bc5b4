/** Files of the libraries that this machine has, value for value: numpy, torch and onnx write them in every dtype and form (formats.py). */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { python, pythonHas } from '../python.ts'

test.runIf(pythonHas('numpy'))(
  'what the libraries of this machine write is read as they read it',
  () => {
    const judge = spawnSync(python, [join(import.meta.dirname, 'formats.py')], { encoding: 'utf8' })
    expect(judge.stdout + judge.stderr).toMatch(/^ +\d+ {2}opened, every value equal$/m)
    expect(judge).toMatchObject({ status: 0 })
  },
  120_000,
)
