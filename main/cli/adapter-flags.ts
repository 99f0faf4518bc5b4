/** Flags of commands that write adapters. */
import { type Command, Option } from 'commander'
import type { RankRule } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { adapterForms } from '../../core/styles.ts'
import { numberWithin } from './flags.ts'

export interface RuleOptions {
  readonly svRatio?: number
  readonly svCumulative?: number
  readonly svFro?: number
}

export function addRuleFlags(command: Command): Command {
  return command
    .option('--sv-ratio <number>', 'rank: the values above the largest divided by this', above1)
    .option('--sv-cumulative <share>', 'rank: the first values that add up to this share of the sum of all', share)
    .option('--sv-fro <share>', 'rank: the first values whose norm is this share of the norm of all', share)
}

/** @throws AppError `bad-request` for more than one */
export function ruleFrom({ svRatio, svCumulative, svFro }: RuleOptions): RankRule | null {
  const rules: RankRule[] = []
  if (svRatio !== undefined) rules.push({ rule: 'ratio', value: svRatio })
  if (svCumulative !== undefined) rules.push({ rule: 'cumulative', value: svCumulative })
  if (svFro !== undefined) rules.push({ rule: 'fro', value: svFro })
  if (rules.length > 1) throw new AppError('bad-request', say('extract.rules'))
  return rules[0] ?? null
}

/** The loaders that take each. */
export function formOption(flag: string, help: string): Option {
  return new Option(`${flag} <form>`, `${help} (docs/lora.md says which loader takes which)`).choices(adapterForms)
}

function above1(text: string): number {
  return numberWithin(text, 1.000001, 1e12, false)
}

/** 95% or 0.95. */
function share(text: string): number {
  const percent = /^([\d.]+)\s*%$/.exec(text)
  return numberWithin(percent ? String(Number(percent[1]) / 100) : text, 1e-6, 1, false)
}
