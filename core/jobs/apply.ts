/**
 * W + scale x D, tensor by tensor, in the dtypes, names and shards of the base: a run over the merged file (adapters/merged.ts) that keeps every tensor as
 * it is there, by the machinery of a compression, so that it is read back, checked and resumed like one.
 */
import { mergedFile } from '../adapters/merged.ts'
import { modelFacts } from '../adapters/model-facts.ts'
import { readAdapter } from '../adapters/read.ts'
import type { ApplicationReport, JobOf } from '../contract.ts'
import type { JobContext } from '../matrix/context.ts'
import { defaultParams } from '../params.ts'
import { hexadecimal, sourceHash } from '../write/source-hash.ts'
import { outputStyle } from '../write/styles/registry.ts'
import type { FilesOf } from './files.ts'
import { writeRun } from './steps/write-run.ts'

/** @throws AppError `bad-request` for an adapter of another model; as a compression */
export async function applyAdapter(
  { base, adapter: file, target }: FilesOf<'apply'>,
  { scale, force, resume }: JobOf<'apply'>,
  context: JobContext,
): Promise<ApplicationReport> {
  const started = performance.now()
  const adapter = await readAdapter(file)
  const facts = await modelFacts(base)
  const merged = mergedFile(base, adapter, {
    scale,
    heads: facts.heads,
    interleaved: facts.interleaved ?? false,
  })
  const hash = context.sha256()
  hash.update(new TextEncoder().encode(JSON.stringify({ recipe: 1, job: 'apply', scale })))
  const run = {
    style: outputStyle('dense'),
    recipe: hexadecimal(hash.digest()),
    sourceHash: await sourceHash({ base, adapter: file }, context),
  }
  // Nothing is factorized: every tensor is written as the merged file has it.
  const job = { params: defaultParams, include: [], exclude: ['*'], force, resume, part: null }
  const report = await writeRun(merged.file, target, run, job, context, started)
  return { ...report, changed: merged.changed, notices: [...merged.notices, ...report.notices] }
}
