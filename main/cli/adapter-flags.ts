/** Flags of commands that write adapters. */
import { type Command, Option } from 'commander'
import type { RankRule } from '../../core/contract.ts'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { type RuleId, rankRules, ruleIds } from '../../core/rank-rule-entries.ts'
import { adapterForms } from '../../core/styles.ts'
import { quantityWithin } from './flags.ts'

/** By their names in commander. */
export type RuleOptions = { readonly [name in `sv${Capitalize<RuleId>}`]?: number }

const ruleOption = (rule: RuleId) => {
  const { flag, help, unit, min, max } = rankRules[rule]
  return new Option(`${flag} <${unit ?? 'number'}>`, help).argParser((text) => quantityWithin(text, unit, min, max))
}

export function addRuleFlags(command: Command): Command {
  for (const rule of ruleIds) command.addOption(ruleOption(rule))
  return command
}

/** @throws AppError `bad-request` for more than one */
export function ruleFrom(options: RuleOptions): RankRule | null {
  const given: Readonly<Record<string, number | undefined>> = options
  const rules = ruleIds.flatMap((rule): RankRule[] => {
    const value = given[ruleOption(rule).attributeName()]
    return value === undefined ? [] : [{ rule, value }]
  })
  if (rules.length > 1) throw new AppError('bad-request', say('extract.rules'))
  return rules[0] ?? null
}

/** The loaders that take each. */
export function formOption(flag: string, help: string): Option {
  return new Option(`${flag} <form>`, `${help} (docs/lora.md says which loader takes which)`).choices(adapterForms)
}
