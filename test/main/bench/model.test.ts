import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openWeightFile } from '../../../core/formats/opening/open.ts'
import { compressFile } from '../../../core/jobs/compress.ts'
import { writeSample } from '../../../core/jobs/sample.ts'
import { referenceKernels } from '../../../core/kernels/reference.ts'
import { defaultParams } from '../../../core/params.ts'
import { benchModel } from '../../../main/bench/model.ts'
import { pickSource } from '../../../main/files/files.ts'
import { outputFolder } from '../../../main/files/outputs.ts'
import { testContext } from '../../core/jobs/harness.ts'

it('times whole runs and bare products of the same matrices, and leaves the source and the memory as they were', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ghostsvd-bench-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const name = 'sample.safetensors'
  const target = { folder: outputFolder(folder, { overwrite: false, sources: [] }), name }
  const size = { layers: 1, hidden: 64, dtype: 'F32', seed: 1 } as const
  await writeSample({ target }, { kind: 'sample', files: {}, target: '', force: false, ...size }, testContext())
  const kernels = referenceKernels()
  const before = kernels.mark()
  const said: string[] = []
  const timings = await benchModel(kernels, {
    model: join(folder, name),
    folder,
    ranks: [4, 8],
    repeat: 2,
    params: defaultParams,
    open: async (path) => {
      const file = await openWeightFile(await pickSource(path, 'file'))
      onTestFinished(() => file.close())
      return (request) =>
        compressFile(
          {
            model: file,
            target: {
              folder: outputFolder(folder, { overwrite: true, sources: [path] }),
              name: basename(request.target),
            },
          },
          request,
          testContext(),
        )
    },
    say: (text) => said.push(text),
  })
  expect(kernels.mark()).toBe(before)
  expect(timings.map(({ rank }) => rank)).toEqual([4, 8])
  for (const { weights, runMs, productsMs, shareOfProductSpeed } of timings) {
    // q, k, v and o are 64 x 64, gate, up and down 256 x 64; embeddings are kept.
    expect(weights).toBe(4 * 64 ** 2 + 3 * 256 * 64)
    expect(runMs).toBeGreaterThan(0)
    expect(productsMs).toBeGreaterThan(0)
    expect(shareOfProductSpeed).toBeGreaterThan(0)
  }
  expect(said).toHaveLength(6)
  expect((await readdir(folder)).sort()).toEqual(['out.safetensors', name])
})
