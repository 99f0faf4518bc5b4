/**
 * Finished sketches in three tiers, so that going back to a layer, or changing only its rank or the goal, starts no factorization.
 *
 *   hot    f32 in memory, the last few tensors looked at
 *   warm   U and Vt as F16 in memory: half the bytes, good for looking (1e-3 relative), never for writing a file
 *   cold   f32 on disk, shared by all engines through the ColdStore that main hands in; written as soon as a sketch is finished
 *
 * A tensor leaves hot for warm when newer ones come, and leaves warm for good; the cold copy stays until the store's bound drops it.
 * Only hot and cold answer for a compression: the same recipe must give the same bytes whatever was looked at before.
 */
import { decodeFloat32, encode } from '../formats/dtype.ts'
import { decodeSketch, encodeSketch, type Sketch } from './codec.ts'
import type { ColdStore } from './cold-store.ts'
import { FactStore } from './facts.ts'

export type Tier = 'hot' | 'warm' | 'cold'

export interface SketchCounters {
  readonly hot: number
  readonly warm: number
  readonly cold: number
  readonly missed: number
  readonly stored: number
}

export interface SketchCacheLimits {
  readonly hotTensors: number
  readonly warmTensors: number
}

interface WarmSketch extends Omit<Sketch, 'factorization'> {
  readonly rows: number
  readonly cols: number
  readonly rank: number
  readonly U: Uint8Array
  readonly s: Float64Array
  readonly Vt: Uint8Array
}

export class SketchCache {
  /** What is known of sources besides their sketches. */
  readonly facts: FactStore
  readonly #limits: SketchCacheLimits
  readonly #cold: ColdStore | null
  // A Map keeps insertion order: re-inserting on use makes its first key the least recently used.
  readonly #hot = new Map<string, Sketch>()
  readonly #warm = new Map<string, WarmSketch>()
  readonly #counters = { hot: 0, warm: 0, cold: 0, missed: 0, stored: 0 }

  constructor(limits: SketchCacheLimits, cold: ColdStore | null) {
    this.#limits = limits
    this.#cold = cold
    this.facts = new FactStore(cold)
  }

  /** Answers from each tier, misses, and sketches stored, since the start. */
  get counters(): SketchCounters {
    return { ...this.#counters }
  }

  /**
   * The sketch of `key` and the tier that had it. `exact` passes over warm, whose factors were rounded to half precision.
   * What was found becomes hot again, except from warm, which cannot give back what rounding took.
   */
  async get(key: string, { exact }: { readonly exact: boolean }): Promise<{ sketch: Sketch; tier: Tier } | null> {
    const hot = this.#hot.get(key)
    if (hot) return this.#found('hot', key, hot)
    const warm = exact ? undefined : this.#warm.get(key)
    if (warm) {
      this.#warm.delete(key)
      this.#warm.set(key, warm)
      this.#counters.warm++
      return { sketch: widen(warm), tier: 'warm' }
    }
    const bytes = await this.#cold?.read(key)
    const cold = bytes ? await decodeSketch(bytes) : null
    if (cold) return this.#found('cold', key, cold)
    this.#counters.missed++
    return null
  }

  /** Keeps a finished sketch hot and writes it to the cold tier. The arrays must not be changed afterwards. */
  async put(key: string, sketch: Sketch): Promise<void> {
    this.#counters.stored++
    await this.amend(key, sketch)
  }

  /** A sketch that was found here, with more facts. */
  async amend(key: string, sketch: Sketch): Promise<void> {
    this.#heat(key, sketch)
    await this.#cold?.write(key, encodeSketch(sketch))
  }

  #found(tier: 'hot' | 'cold', key: string, sketch: Sketch): { sketch: Sketch; tier: Tier } {
    this.#counters[tier]++
    this.#heat(key, sketch)
    return { sketch, tier }
  }

  #heat(key: string, sketch: Sketch): void {
    this.#hot.delete(key)
    this.#warm.delete(key)
    this.#hot.set(key, sketch)
    for (const [oldest, cooling] of overflowing(this.#hot, this.#limits.hotTensors)) {
      this.#hot.delete(oldest)
      this.#warm.set(oldest, inHalfPrecision(cooling))
    }
    for (const [oldest] of overflowing(this.#warm, this.#limits.warmTensors)) this.#warm.delete(oldest)
  }
}

/** The least recently used entries beyond `limit`. */
function overflowing<V>(tier: ReadonlyMap<string, V>, limit: number): [string, V][] {
  return [...tier].slice(0, Math.max(0, tier.size - limit))
}

function inHalfPrecision({ factorization: f, facts }: Sketch): WarmSketch {
  // Entries of orthonormal columns are at most 1: nothing overflows F16.
  return {
    rows: f.rows,
    cols: f.cols,
    rank: f.rank,
    U: encode('F16', f.U).bytes,
    s: f.s,
    Vt: encode('F16', f.Vt).bytes,
    facts,
  }
}

function widen({ rows, cols, rank, U, s, Vt, facts }: WarmSketch): Sketch {
  return { factorization: { rows, cols, rank, U: decodeFloat32('F16', U), s, Vt: decodeFloat32('F16', Vt) }, facts }
}
