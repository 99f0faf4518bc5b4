/** What can be taken from a run: its recipe, report, command and snippet; its settings; and its place in the list. */
import { ActionIcon, Menu } from '@mantine/core'
import { useState } from 'react'
import { type Run, recipeOf } from '../../core/contract.ts'
import { copyText } from '../frame/download.ts'
import { CheckIcon, MoreIcon } from '../frame/icons.tsx'
import { saveRecipe, saveReport } from '../model/running/recipes.ts'
import { runAgainWith } from '../model/running/result-actions.ts'
import { forgetRun } from '../model/running/run-actions.ts'
import { isActive, runsReducers } from '../model/running/runs.ts'
import { useWords } from '../words/words.ts'
import { useRunPlaces, useRunTexts } from './places.ts'

interface RunMenuProps {
  readonly run: Run
  /** Does it and shows what was said against it. */
  readonly attempt: (act: () => unknown) => void
}

export function RunMenu({ run, attempt }: RunMenuProps) {
  const { t, language: spoken } = useWords()
  const language = spoken === 'zh-CN' ? 'zh-CN' : 'en'
  const [copied, setCopied] = useState<'command' | 'snippet' | null>(null)
  const [opened, setOpened] = useState(false)
  const texts = useRunTexts(run, useRunPlaces(run.runId, opened))
  const { target, result } = run
  const recipe = recipeOf(run)
  const copy = (what: 'command' | 'snippet', text: string) => () => {
    copyText(text)
    setCopied(what)
  }
  const tick = (what: 'command' | 'snippet') => (copied === what ? <CheckIcon size={16} /> : undefined)
  return (
    <>
      {/* The placeholder would be a focusable element without a role inside the menu. */}
      <Menu
        onClose={() => {
          setCopied(null)
          runsReducers.menu(null)
        }}
        onOpen={() => {
          setOpened(true)
          runsReducers.menu(run.runId)
        }}
        position="bottom-end"
        withInitialFocusPlaceholder={false}
        withinPortal
      >
        <Menu.Target>
          <ActionIcon aria-label={t('runs.more', { name: target })} color="gray" variant="subtle">
            <MoreIcon />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {recipe && texts ? (
            <>
              <Menu.Item onClick={() => attempt(() => runAgainWith(run))}>{t('runs.againWith')}</Menu.Item>
              <Menu.Divider />
              <Menu.Item
                closeMenuOnClick={false}
                onClick={copy('command', texts.command)}
                rightSection={tick('command')}
              >
                {t(copied === 'command' ? 'runs.copied' : 'runs.copyCommand')}
              </Menu.Item>
              {result ? (
                <Menu.Item
                  closeMenuOnClick={false}
                  onClick={copy('snippet', texts.python)}
                  rightSection={tick('snippet')}
                >
                  {t(copied === 'snippet' ? 'runs.copied' : 'runs.copySnippet')}
                </Menu.Item>
              ) : null}
              <Menu.Divider />
              <Menu.Item onClick={() => saveRecipe(recipe, target)}>{t('runs.saveRecipe')}</Menu.Item>
              {result ? (
                <>
                  <Menu.Item onClick={() => attempt(() => saveReport(run, 'html', language))}>
                    {t('runs.saveHtml')}
                  </Menu.Item>
                  <Menu.Item onClick={() => attempt(() => saveReport(run, 'json', language))}>
                    {t('runs.saveJson')}
                  </Menu.Item>
                  <Menu.Item onClick={() => attempt(() => saveReport(run, 'csv', language))}>
                    {t('runs.saveCsv')}
                  </Menu.Item>
                </>
              ) : null}
            </>
          ) : null}
          {isActive(run) ? null : (
            <>
              {recipe ? <Menu.Divider /> : null}
              <Menu.Item
                onClick={() =>
                  run.resumable ? runsReducers.ask('forget', run.runId) : attempt(() => forgetRun(run.runId))
                }
              >
                {t('runs.forget')}
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </>
  )
}
