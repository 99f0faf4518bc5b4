/**
 * What is known beforehand of the answers of a compressed model, as a sentence under its outcome: what was published or measured for models of its kind
 * at this share of the bytes, with its source, and what its own spectra say. No number here is of this model unless it was measured on it; sources and
 * tables are in docs/answers.md.
 */
import { behavesLikeNoise } from '../curves/noise-line.ts'
import { all, say } from '../messages/english.ts'
import type { Message } from '../messages/message.ts'
import { roleOf } from '../roles.ts'

export interface ForecastInput {
  /** Names of all tensors of the model. */
  readonly names: readonly string[]
  /** Bytes of the output over those of the source. */
  readonly share: number
  /** Whether matrices are weighed by statistics of their inputs. */
  readonly weighted: boolean
  /** Whether the source is a model that runs (ONNX). */
  readonly runs: boolean
  /** Matrices that have been analyzed, by their own norm: relative error at rank 0, 1, ... */
  readonly matrices?: readonly { readonly rows: number; readonly cols: number; readonly curve: ArrayLike<number> }[]
}

/** WikiText-2 perplexity of LLaMA-7B, 5.68 before, with this share of its weights removed. Wang et al. 2024, arXiv 2403.07378. */
const published = [
  { removed: 0.2, plain: 20061, weighted: 7.9 },
  { removed: 0.4, plain: 52589, weighted: 13.1 },
] as const
/** Above this share of the bytes nothing published says more than that little was removed. */
const nearlyWhole = 0.95

/** null where nothing is known. */
export function forecastOf({ names, share, weighted, runs, matrices = [] }: ForecastInput): Message | null {
  const known = share < nearlyWhole ? fromOthers(names, share, weighted, runs) : null
  const own = matrices.length > 0 ? fromSpectra(matrices) : null
  const said = [known, own].filter((each) => each !== null)
  return said.length > 0 ? all(said) : null
}

function fromOthers(names: readonly string[], share: number, weighted: boolean, runs: boolean): Message {
  if (runs) return say(weighted ? 'forecast.runs-weighted' : 'forecast.runs-plain')
  if (!isLanguageModel(names)) return say(weighted ? 'forecast.weighted' : 'forecast.plain')
  const removed = 1 - share
  // The nearest that was published.
  const nearest = published.reduce((a, b) => (Math.abs(b.removed - removed) < Math.abs(a.removed - removed) ? b : a))
  return say(weighted ? 'forecast.language-weighted' : 'forecast.language-plain', nearest)
}

/** By its names: attention, and a table of tokens or a head of them. */
function isLanguageModel(names: readonly string[]): boolean {
  const roles = new Set(names.map((name) => roleOf(name)))
  return (roles.has('embedding') || roles.has('head')) && names.some((name) => /attn|attention/i.test(name))
}

/** How many look like noise, and over how many directions the middle one spreads: ||W||^2 / s1^2, which the error at rank 1 tells. */
function fromSpectra(matrices: NonNullable<ForecastInput['matrices']>): Message {
  const noise = matrices.filter(({ rows, cols, curve }) => behavesLikeNoise(rows, cols, (rank) => curve[rank])).length
  const spread = matrices.map(
    ({ rows, cols, curve }) => 1 / Math.max(1e-12, 1 - (curve[1] ?? 1) ** 2) / Math.min(rows, cols),
  )
  const middle = Math.min(1, spread.toSorted((a, b) => a - b)[Math.floor(spread.length / 2)]!)
  return say('forecast.spectra', { noise, total: matrices.length, spread: middle })
}
