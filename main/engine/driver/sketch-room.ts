/** The driver's finished sketches, with the cold tier that all engines of this user share. */
import { join } from 'node:path'
import type { Params } from '../../../core/params.ts'
import { SketchCache, type SketchCounters } from '../../../core/sketch-cache/sketch-cache.ts'
import { cacheFolder } from '../../system/folders.ts'
import { sketchStore } from './sketch-store.ts'

export interface SketchRoom {
  /** null where a job wants nothing kept. Other limits than before rebuild the tiers; the cold one stays. */
  cache(params: Pick<Params, 'projectionTiers' | 'hotTensors' | 'warmTensors'>): SketchCache | null
  /** Of the tiers as they are now; zeros before the first job. */
  counters(): SketchCounters
}

export function sketchRoom(): SketchRoom {
  const store = sketchStore(join(cacheFolder(), 'sketches'))
  let current: { readonly key: string; readonly cache: SketchCache } | null = null
  return {
    cache: ({ projectionTiers, hotTensors, warmTensors }) => {
      if (!projectionTiers) return null
      const key = `${hotTensors} ${warmTensors}`
      if (current?.key !== key) current = { key, cache: new SketchCache({ hotTensors, warmTensors }, store) }
      return current.cache
    },
    counters: () => current?.cache.counters ?? { hot: 0, warm: 0, cold: 0, missed: 0, stored: 0 },
  }
}
