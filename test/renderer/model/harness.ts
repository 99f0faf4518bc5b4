/** What tests of the page's model begin with: reports as the engine makes them, an open file, an engine that is asked. */
import type { AnalysisReport, EngineApi, FileReport, TensorReport, VersusReport } from '../../../core/contract.ts'
import { defaultParams, type Params } from '../../../core/params.ts'
import { fileReducers } from '../../../renderer/choices/file.ts'
import { useParams } from '../../../renderer/choices/params.ts'
import { selectionReducers } from '../../../renderer/choices/selection.ts'
import type { Connection } from '../../../renderer/frame/connect.ts'
import { setConnection } from '../../../renderer/frame/connection.ts'
import { analysesReducers } from '../../../renderer/model/looking/analyses.ts'
import { someWords } from '../../core/messages/words.ts'

/** A matrix of 2048 x 2048 that a run would factorize. */
export function tensorReport(name: string, changes: Partial<TensorReport> = {}): TensorReport {
  return {
    name,
    dtype: 'F32',
    shape: [2048, 2048],
    byteLength: 2048 * 2048 * 4,
    matrix: [2048, 2048],
    kind: 'linear',
    plan: 'factorize',
    reason: someWords(''),
    ...changes,
  }
}

/** Of a sketch at rank 1. */
export function analysisReport(changes: Partial<AnalysisReport> = {}): AnalysisReport {
  return {
    tensor: 'w',
    matrix: [2048, 2048],
    dtype: 'F32',
    method: 'randomized',
    algorithm: 'subspace',
    rank: 1,
    oversample: 10,
    nIter: 2,
    seed: 42,
    singularValues: [1],
    frobeniusNorm: 2,
    relativeError: 0.5,
    errorSource: 'spectrum',
    chosen: 'asked',
    resolution: 4e-6,
    valueResolution: 1e-6,
    numericalRank: 2,
    errorCurve: [1, 0.5],
    breakEvenRank: 1024,
    noiseError: 0.9,
    elapsedMs: 1,
    phasesMs: {},
    kernel: 'simd',
    arithmetic: 'fused',
    threads: 1,
    peakBytes: 1,
    notices: [],
    ...changes,
  }
}

/** Two ways, at rank 1 and at rank 2. */
export function versusReport(tensor: string): VersusReport {
  const side = (rank: number): VersusReport['a'] => ({
    report: analysisReport({ rank }),
    computeMs: [1],
    errors: [0.5],
    workingBytes: 1,
    excess: null,
  })
  return {
    tensor,
    a: side(1),
    b: side(2),
    floor: null,
    largestGap: { index: 1, relative: 0.1 },
    resolution: 1e-6,
    subspaceAngle: 0.2,
    canonicalAngles: { rank: 2, gap: 0.5, angles: [0.2, 0] },
  }
}

/** An open model of these tensors. */
export function fileReport(tensors: readonly TensorReport[], fileId = 'file'): FileReport {
  return {
    ...{ fileId, name: 'file', format: 'safetensors', safety: 'safe', totalBytes: 1, notices: [] },
    tensors: [...tensors],
  }
}

/** A page with these tensors open, nothing known of them, connected to an engine that answers what a test has it answer. */
export function openPage(engine: Partial<EngineApi>, tensors: readonly TensorReport[], params: Params = defaultParams) {
  const notAsked = () => Promise.reject(new Error('not asked here'))
  setConnection({ engine: { info: notAsked, open: notAsked, ...engine } } as unknown as Connection)
  analysesReducers.reset()
  selectionReducers.reset()
  useParams.setState({ params, output: 'factors' })
  fileReducers.opened({ id: 'grant', name: 'file', kind: 'file', byteLength: null }, fileReport(tensors))
}
