/** What can be taken from a run: its recipe, report, command and snippet; its settings; and its place in the list. */
import { ActionIcon, Menu } from '@mantine/core'
import { useState } from 'react'
import type { Run } from '../../core/contract.ts'
import { compressCommand } from '../../core/report/command.ts'
import { pythonSnippet } from '../../core/report/python.ts'
import { useFile } from '../choices/file.ts'
import { copyText } from '../frame/download.ts'
import { CheckIcon, MoreIcon } from '../frame/icons.tsx'
import { sessionReducers } from '../frame/session.ts'
import { applyRecipe, saveRecipe, saveReport } from '../model/recipes.ts'
import { forgetRun } from '../model/run-actions.ts'
import { isActive } from '../model/runs.ts'
import { useWords } from '../words/words.ts'
import { ForgetQuestion } from './ForgetQuestion.tsx'

interface RunMenuProps {
  readonly run: Run
  /** Does it and shows what was said against it. */
  readonly attempt: (act: () => unknown) => void
}

export function RunMenu({ run, attempt }: RunMenuProps) {
  const { t } = useWords()
  const open = useFile((state) => state.report !== null)
  const [copied, setCopied] = useState<'command' | 'snippet' | null>(null)
  const [asking, setAsking] = useState(false)
  const { recipe, source, target, result } = run
  const copy = (what: 'command' | 'snippet', text: string) => () => {
    copyText(text)
    setCopied(what)
  }
  const tick = (what: 'command' | 'snippet') => (copied === what ? <CheckIcon size={16} /> : undefined)
  return (
    <>
      {/* The placeholder would be a focusable element without a role inside the menu. */}
      <Menu onClose={() => setCopied(null)} position="bottom-end" withInitialFocusPlaceholder={false} withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={t('runs.more', { name: target })} color="gray" variant="subtle">
            <MoreIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            closeMenuOnClick={false}
            onClick={copy('command', compressCommand({ sourcePath: source, target, recipe }))}
            rightSection={tick('command')}
          >
            {t(copied === 'command' ? 'runs.copied' : 'runs.copyCommand')}
          </Menu.Item>
          {result ? (
            <Menu.Item
              closeMenuOnClick={false}
              onClick={copy('snippet', pythonSnippet({ recipe, target, files: result.files }))}
              rightSection={tick('snippet')}
            >
              {t(copied === 'snippet' ? 'runs.copied' : 'runs.copySnippet')}
            </Menu.Item>
          ) : null}
          <Menu.Divider />
          <Menu.Item onClick={() => saveRecipe(recipe, target)}>{t('runs.saveRecipe')}</Menu.Item>
          {result ? (
            <>
              <Menu.Item onClick={() => attempt(() => saveReport(run, 'json'))}>{t('runs.saveJson')}</Menu.Item>
              <Menu.Item onClick={() => attempt(() => saveReport(run, 'csv'))}>{t('runs.saveCsv')}</Menu.Item>
            </>
          ) : null}
          {open ? (
            <Menu.Item
              onClick={() => {
                applyRecipe(recipe)
                sessionReducers.show('workbench')
              }}
            >
              {t('runs.useAgain')}
            </Menu.Item>
          ) : null}
          {isActive(run) ? null : (
            <>
              <Menu.Divider />
              <Menu.Item onClick={() => (run.resumable ? setAsking(true) : attempt(() => forgetRun(run.runId)))}>
                {t('runs.forget')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      {asking ? <ForgetQuestion attempt={attempt} onClose={() => setAsking(false)} run={run} /> : null}
    </>
  )
}
