import { describe, expect, it } from 'vitest'
import { noiseError } from '../../../core/curves/noise-line.ts'
import { inEnglish } from '../../../core/messages/english.ts'
import { forecastOf } from '../../../core/plan/forecast.ts'

const language = ['model.embed_tokens.weight', 'model.layers.0.self_attn.q_proj.weight']
const said = (input: Partial<Parameters<typeof forecastOf>[0]>) => {
  const message = forecastOf({ names: language, share: 0.8, weighted: false, runs: false, ...input })
  return message && inEnglish(message)
}

describe('what is known beforehand', () => {
  it('is what was published at the nearest ratio, with its source', () => {
    expect(said({})).toMatch(/LLaMA-7B without 20.00 % of .* 20061 by plain SVD, and to 7.9 .*2403\.07378/)
    expect(said({ share: 0.55, weighted: true })).toMatch(/without 40.00 % of .* to 13.1 with statistics/)
    expect(said({ names: ['conv1.weight'] })).toMatch(/Nothing published is near this model/)
    expect(said({ runs: true })).toMatch(/calibrate it/)
    expect(said({ share: 0.97 })).toBeNull()
  })

  it('says of its own spectra what they are', () => {
    const noise = Array.from({ length: 65 }, (_, rank) => noiseError(64, 64, rank))
    const low = Array.from({ length: 65 }, (_, rank) => 0.5 ** rank)
    const matrices = [noise, low, low].map((curve) => ({ rows: 64, cols: 64, curve }))
    // Stable rank of the middle one: 1 / (1 - 0.25) of 64.
    expect(said({ share: 1, matrices })).toMatch(/1 of 3 matrices has no more .*2.08 % of their directions/)
    expect(said({ share: 1, matrices: matrices.slice(1) })).toMatch(/half of 2 matrices spread over at least/)
    // Rotations spread over all directions there are, and nothing over more.
    const rotation = Array.from({ length: 65 }, (_, rank) => Math.sqrt(1 - rank / 64))
    const rotations = [0, 1].map(() => ({ rows: 64, cols: 64, curve: rotation }))
    expect(said({ share: 1, matrices: rotations })).toMatch(/over at least 100.00 % of their directions/)
    expect(said({ share: 1, matrices: [matrices[1]!] })).toMatch(/^Its own spectrum spreads over 2.08 % of its/)
  })
})
