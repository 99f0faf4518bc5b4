/** The sample model of the Start screen: made by a job of an engine, once for each host, in its temporary folder. */
import { join } from 'node:path'
import { engineClient } from '../../core/client/engine-client.ts'
import type { Grant } from '../../core/contract.ts'
import { defaultParams } from '../../core/params.ts'
import type { Engine, EngineOptions } from '../engine/parent/supervisor.ts'
import type { Grants } from '../files/grants.ts'

export interface SampleOptions {
  start(options: Omit<EngineOptions, 'paths'>): Engine
  stop(engine: Engine): Promise<void>
  readonly grants: Grants
  readonly folder: string
}

/** One block: made in about the time of 4 x 512 (70 MB both), and wide enough (1024) that `auto` chooses the randomized SVD. */
const sampleSize = { layers: 1, hidden: 1024, dtype: 'F32', seed: defaultParams.seed } as const

/** Makes the sample when it is first asked for; who asks meanwhile waits for the same one. A failure is forgotten, so that it can be tried again. */
export function createSample({ start, stop, grants, folder }: SampleOptions): () => Promise<Grant> {
  let made: Promise<Grant> | null = null

  async function make(): Promise<Grant> {
    const path = join(folder, 'sample.safetensors')
    const engine = start({ restart: false })
    try {
      const target = grants.target(path).id
      await engineClient(engine.connect()).run({ kind: 'sample', target, ...sampleSize, force: true })
      return await grants.grant(path)
    } finally {
      await stop(engine)
    }
  }

  return () => {
    made ??= make().catch((error: unknown) => {
      made = null
      throw error
    })
    return made
  }
}
