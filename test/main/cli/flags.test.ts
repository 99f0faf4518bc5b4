import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { rankRuleSchema } from '../../../core/contract/jobs/resize.ts'
import { paramEntries } from '../../../core/param-entries.ts'
import { defaultParams } from '../../../core/params.ts'
import { rankRules, ruleIds } from '../../../core/rank-rule-entries.ts'
import { addRuleFlags, type RuleOptions, ruleFrom } from '../../../main/cli/adapter-flags.ts'
import { addParamFlags, allParams, paramsFrom } from '../../../main/cli/flags.ts'
import { safe, table } from '../../../main/cli/print.ts'
import { bar, progressLine } from '../../../main/cli/progress.ts'

function parse(...argv: string[]) {
  const command = addParamFlags(new Command(), allParams)
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
  command.parse(argv, { from: 'user' })
  return paramsFrom(command, allParams)
}

describe('flags', () => {
  it('are the table: every entry has one, and without any the defaults hold', () => {
    const help = addParamFlags(new Command(), allParams).helpInformation()
    for (const entry of Object.values(paramEntries)) expect(help).toContain(entry.flag)
    expect(parse()).toEqual(defaultParams)
  })

  it('set their parameter', () => {
    expect(parse('--rank', '7', '--n-iter', '0', '--factor-dtype', 'BF16', '--min-rank', '2')).toEqual({
      ...defaultParams,
      rank: 7,
      nIter: 0,
      factorDType: 'BF16',
      minRank: 2,
    })
  })

  it.each([
    ['--rank', '0'],
    ['--rank', '1.5'],
    ['--rank', ''],
    ['--rank', 'ten'],
    ['--method', 'fast'],
    ['--seed', '-1'],
    ['--goal-size', '100%'],
    ['--goal-size', '150%'],
    ['--goal-size', '1'],
    ['--goal-size', '1.5'],
    ['--goal-size', '100000.5'],
  ])('refuse %s %s', (flag, value) => {
    expect(() => parse(flag, value)).toThrow(/Expected|Allowed choices/)
  })
})

it('the rules of LoRA tools are one table to flags and schema', () => {
  const parsed = (flag: string, value: string) => {
    const command = addRuleFlags(new Command())
      .exitOverride()
      .configureOutput({ writeErr: () => {} })
    return ruleFrom(command.parse([flag, value], { from: 'user' }).opts<RuleOptions>())
  }
  for (const rule of ruleIds) {
    const { flag, min, max, first } = rankRules[rule]
    for (const value of [min, first, max]) {
      expect(parsed(flag, String(value))).toEqual({ rule, value })
      expect(rankRuleSchema.safeParse({ rule, value }).success).toBe(true)
    }
    for (const value of [min / 2, max * 2]) {
      expect(() => parsed(flag, String(value))).toThrow(/Expected/)
      expect(rankRuleSchema.safeParse({ rule, value }).success).toBe(false)
    }
  }
  expect(parsed('--sv-fro', '95%')).toEqual({ rule: 'fro', value: 0.95 })
})

it('a size goal is a share below 100 % or a whole number of bytes', () => {
  for (const [text, value] of [
    ['0', 0],
    ['99%', 0.99],
    ['2', 2],
    ['1.5KB', 1500],
  ] as const)
    expect(parse('--goal-size', text).goalSize).toBe(value)
  expect(() => parse('--goal-size', '150%')).toThrow('Expected a share below 100 % or a whole number of bytes.')
})

it('a memory limit is a number of bytes, never a share', () => {
  expect(parse('--memory-limit', '1.5GB').memoryLimit).toBe(1.5e9)
  expect(() => parse('--memory-limit', '40%')).toThrow('Expected a number.')
})

describe('what a terminal shows', () => {
  it('cannot be rewritten by a tensor name', () => {
    expect(safe('a\u001b[2Jb\r\n\u202ec')).toBe('a\\u001b[2Jb\\u000d\\u000a\\u202ec')
    expect(safe('层.权重')).toBe('层.权重')
  })

  it('stands in columns', () => {
    expect(
      table(
        [
          ['a', '10'],
          ['long', '9'],
        ],
        [1],
      ),
    ).toBe('a     10\nlong   9')
  })

  it('draws a bar on a terminal and nothing elsewhere', () => {
    expect(bar(1, 2)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %`)
    const event = {
      type: 'progress',
      jobId: 'j',
      phase: 'compress',
      tensor: 'w',
      done: 1,
      total: 2,
      memoryBytes: 1e9,
    } as const
    for (const isTTY of [true, false]) {
      let written = ''
      const write = (text: string | Uint8Array) => {
        written += text
        return true
      }
      const line = progressLine({ isTTY, columns: 80, write })
      line.show(event)
      line.clear()
      expect(written.includes('50 %')).toBe(isTTY)
      expect(written.endsWith('\r\u001b[K')).toBe(isTTY)
    }
  })
})
