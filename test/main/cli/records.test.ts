/** What a run is told to leave beside its output replaces nothing that the run reads or writes. */
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { refuseOutput } from '../../../main/cli/answer-goal.ts'
import { type RecordedRun, refuseRecords, writeAll, writeHtml } from '../../../main/cli/records.ts'
import { fileBytes, plain } from '../../core/jobs/harness.ts'
import { can } from '../../system.ts'
import { ghostsvd, temporaryFolder } from './run.ts'

const weights = fileBytes([plain('w', 'F32', [2, 2], new Uint8Array(16))])
let folder: string
const at = (...names: string[]) => join(folder, ...names)
beforeEach(async () => {
  folder = await temporaryFolder()
  writeFileSync(at('model.safetensors'), weights)
})

const refused = (run: Partial<RecordedRun>) =>
  refuseRecords({ sourcePath: at('model.safetensors'), target: at('out.safetensors'), ...run })

describe('a report is refused before the run', () => {
  it('that is the other report, and a report to hand on as any other', async () => {
    const [report, reportHtml] = [at('report.json'), at('report.json')]
    await expect(refused({ report, reportHtml })).rejects.toThrow(/would replace the report of this run/)
    await expect(refused({ reportHtml: at('out.safetensors') })).rejects.toThrow(/the output/)
    await expect(
      refuseRecords({ sourcePath: at('model.safetensors'), reportHtml: at('model.safetensors') }),
    ).rejects.toThrow(/is the source itself/)
  })

  it('that came there while the run was under way', async () => {
    const reportHtml = at('report.html')
    const records = await refused({ reportHtml })
    writeFileSync(reportHtml, 'a letter')
    await expect(writeHtml(reportHtml, '<p>', records)).rejects.toThrow('report.html exists already.')
    expect(readFileSync(reportHtml, 'utf8')).toBe('a letter')
    await writeHtml(reportHtml, '<p>', await refused({ reportHtml, force: true }))
    expect(readFileSync(reportHtml, 'utf8')).toBe('<p>')
  })

  it('but costs no other record', async () => {
    const [report, reportHtml] = [at('report.json'), at('report.html')]
    const records = await refused({ report, reportHtml })
    writeFileSync(report, 'a letter')
    const all = [report, reportHtml].map((path) => () => writeHtml(path, '<p>', records))
    await expect(writeAll(all)).rejects.toThrow('report.json exists already.')
    expect(readFileSync(report, 'utf8')).toBe('a letter')
    expect(readFileSync(reportHtml, 'utf8')).toBe('<p>')
  })

  it('before models are tried for hours: an output that exists, or is the source', async () => {
    await expect(refuseOutput(at('model.safetensors'), at('model.safetensors'), true)).rejects.toThrow(/is the source/)
    writeFileSync(at('there.onnx'), '')
    await expect(refuseOutput(at('there.onnx'), at('model.safetensors'), false)).rejects.toThrow('exists already.')
    await refuseOutput(at('there.onnx'), at('model.safetensors'), true)
    await refuseOutput(at('new.onnx'), at('model.safetensors'), false)
  })

  it('that is the source, one of its shards, a link to it, or would grow over it', async () => {
    linkSync(at('model.safetensors'), at('hard'))
    if (can.link) symlinkSync(at('model.safetensors'), at('soft'))
    copyFileSync(at('model.safetensors'), at('growing.partial'))
    for (const name of ['model.safetensors', 'hard', ...(can.link ? ['soft'] : [])])
      await expect(refused({ report: at(name) }), name).rejects.toThrow(/is the source itself/)
    await expect(refused({ sourcePath: at('growing.partial'), report: at('growing') })).rejects.toThrow(
      'growing.partial is the source itself, or has it inside. Choose another name for growing.',
    )
    mkdirSync(at('shards'))
    for (const [i, name] of ['a', 'b'].entries())
      writeFileSync(
        at('shards', `model-0000${i + 1}-of-00002.safetensors`),
        fileBytes([plain(name, 'F32', [2, 2], new Uint8Array(16))]),
      )
    const second = at('shards', 'model-00002-of-00002.safetensors')
    await expect(refused({ sourcePath: at('shards'), report: second })).rejects.toThrow(/is the source itself/)
  })

  it('that holds the statistics of the run', async () => {
    const statistics = at('calibration.safetensors')
    copyFileSync(at('model.safetensors'), statistics)
    for (const record of ['report', 'reportHtml', 'saveRecipe'] as const)
      await expect(refused({ statistics, [record]: statistics, force: true })).rejects.toThrow(/is the source itself/)
  })

  it('that is the output, lies in it, is its journal, or would grow over it', async () => {
    mkdirSync(at('there'))
    if (can.link) symlinkSync(folder, at('there', 'here'))
    for (const report of [
      at('out.safetensors'),
      ...(can.link ? [at('there', 'here', 'out.safetensors')] : []),
      at('out.safetensors.partial'),
      at('out.safetensors.journal.partial'),
    ])
      await expect(refused({ report })).rejects.toThrow(/would replace the output of this run/)
    await expect(refused({ target: at('there'), report: at('there', 'report.json') })).rejects.toThrow(/the output/)
    await expect(refused({ target: at('x.partial'), saveRecipe: at('x') })).rejects.toThrow(/the output/)
  })

  it('that is the recipe which is saved or replayed; a recipe may replace the one it replays', async () => {
    writeFileSync(at('recipe.json'), '{}')
    const recipe = at('recipe.json')
    await expect(refused({ recipe, report: recipe })).rejects.toThrow(/would replace the recipe of this run/)
    await expect(refused({ saveRecipe: at('new.json'), report: at('new.json') })).rejects.toThrow(/the recipe/)
    await refused({ recipe, saveRecipe: recipe, report: at('report.json') })
    expect(readdirSync(folder).sort()).toEqual(['model.safetensors', 'recipe.json'])
  })

  it('that exists, whatever it is, unless replacing was asked for or an earlier run recorded it', async () => {
    writeFileSync(at('letter.json'), 'a letter')
    writeFileSync(at('report.json'), '{\n  "report": 1,\n  "version": "0"\n}\n')
    writeFileSync(
      at('report.csv'),
      'name,action,rank,factorDType,relativeError,truncation,rounding,sparseGain,bytesBefore,bytesAfter,reason\r\n',
    )
    for (const name of ['letter.json', 'report.json', 'report.csv'])
      for (const record of [{ report: at(name) }, { saveRecipe: at(name) }]) {
        await expect(refused(record), name).rejects.toThrow(`${name} exists already.`)
        await refused({ ...record, force: true })
      }
    for (const name of ['report.json', 'report.csv']) await refused({ report: at(name), resume: true })
    await expect(refused({ report: at('letter.json'), resume: true })).rejects.toThrow('letter.json exists already.')
    expect(readFileSync(at('letter.json'), 'utf8')).toBe('a letter')
  })

  it('whose folder does not exist or is none', async () => {
    await expect(refused({ report: at('missing', 'r.json') })).rejects.toThrow(
      'r.json could not be written: its folder does not exist. Choose another folder.',
    )
    await expect(refused({ report: at('model.safetensors', 'r.json') })).rejects.toThrow(
      // Windows says only that nothing is there.
      can.posix ? /not a folder/ : /folder does not exist/,
    )
    await expect(refused({ report: folder })).rejects.toMatchObject({
      code: expect.stringMatching(/cannot-write|would/),
    })
  })
})

it('compress says so with nothing written', async () => {
  const before = readFileSync(at('model.safetensors'))
  const run = ['compress', at('model.safetensors'), '--out', at('out.safetensors')]
  for (const record of [
    ['--report', at('model.safetensors')],
    ['--save-recipe', at('out.safetensors')],
    ['--report', at('missing', 'r.json')],
  ]) {
    const { status, stderr } = await ghostsvd([...run, ...record])
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(readdirSync(folder)).toEqual(['model.safetensors'])
  }
  expect(readFileSync(at('model.safetensors')).equals(before)).toBe(true)
})
