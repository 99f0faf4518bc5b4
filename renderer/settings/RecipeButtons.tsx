/** The whole of the settings from a file and into one, and as they were at first. */
import { Button } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { useFile } from '../choices/file.ts'
import { useAttempt } from '../frame/attempt.ts'
import { ErrorBox } from '../frame/ErrorBox.tsx'
import { resetParams } from '../model/looking/analysis.ts'
import { openRecipe, saveRecipe } from '../model/running/recipes.ts'
import { currentRecipe } from '../model/running/run-actions.ts'
import { useWords } from '../words/words.ts'

export function RecipeButtons() {
  const { t } = useWords()
  const input = useRef<HTMLInputElement>(null)
  const { error, dismiss, attempt } = useAttempt()
  const said = useRef<HTMLDivElement>(null)
  // It stands at the end of a long panel, mostly below the fold.
  useEffect(() => {
    if (error) said.current?.scrollIntoView({ block: 'nearest' })
  }, [error])
  const name = useFile((state) => state.report?.name ?? '')
  return (
    <section aria-label={t('rules.recipe')} className="field">
      <h2 className="section-title">{t('rules.recipe')}</h2>
      <p className="field-help">{t('rules.recipeHelp')}</p>
      <div className="recipe-buttons">
        <Button onClick={() => input.current?.click()} size="compact-sm" variant="default">
          {t('rules.openRecipe')}
        </Button>
        <Button onClick={() => saveRecipe(currentRecipe(), name)} size="compact-sm" variant="default">
          {t('runs.saveRecipe')}
        </Button>
        <input
          accept=".json,application/json"
          aria-label={t('rules.openRecipe')}
          data-testid="recipe"
          hidden
          onChange={(event) => {
            const file = event.target.files?.[0]
            event.target.value = ''
            if (file) attempt(() => openRecipe(file))
          }}
          ref={input}
          type="file"
        />
      </div>
      <div ref={said}>{error ? <ErrorBox error={error} onClose={dismiss} /> : null}</div>
      <Button className="settings-reset" onClick={resetParams} size="compact-sm" variant="subtle">
        {t('settings.reset')}
      </Button>
    </section>
  )
}
