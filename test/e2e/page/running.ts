/** Runs as the browser tests drive them: begun in the dialog, followed in the strip, held against the command line. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Locator, type Page } from '@playwright/test'
import { answerSave } from '../set-up/desktop.ts'
import { desktopOf } from '../set-up/doors.ts'
import { browse, choosePreset, commandLine, patience, readError, setAdvanced } from './driving.ts'

/** A sample in the folder, opened. Twelve layers of 512 take seconds, and finish something in the first. */
export async function openIn(folder: string, page: Page, layers: number, hidden: number): Promise<string> {
  const source = join(folder, 'model.safetensors')
  commandLine('sample', source, '--layers', String(layers), '--hidden', String(hidden))
  await browse(page, 'model.safetensors')
  await readError(page)
  return source
}

/** What `slowly` chooses, for the command line. */
export const slow = ['--method', 'randomized', '--n-iter', '20'] as const

/** For a run that is to be cancelled: it takes many times as long, and leaves a core to the browser that has to press a button meanwhile. */
export async function slowly(page: Page): Promise<void> {
  await choosePreset(page, 'Precise')
  await page.getByRole('textbox', { name: 'Power iterations' }).fill(slow[3])
  await setAdvanced(page, 'Threads', 1)
  await readError(page)
}

export async function compress(page: Page, name?: string): Promise<void> {
  const desktop = desktopOf(page)
  await page.keyboard.press('Control+Enter')
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('valuate before you')
  if (name && desktop) await answerSave(desktop, name)
  else if (name) await dialog.getByRole('textbox', { name: 'File name' }).fill(name)
  await dialog.getByRole('button', { name: /^(Compress|Write anyway)$/ }).click()
}

/** The newest run in the strip. */
export const runLine = (page: Page): Locator => page.getByTestId('run').first()

/** Waits until a run has finished a tensor and goes on. */
export async function finishSome(page: Page): Promise<void> {
  await expect(runLine(page)).toContainText(/[1-9]\d* tensors? finished/, patience)
}

export async function holdRun(page: Page): Promise<void> {
  await runLine(page).getByRole('button', { name: 'Pause' }).click()
  await expect(runLine(page)).toHaveAttribute('data-run', 'paused', patience)
}

/** Cancels a run that has finished something. */
export async function cancelRun(page: Page, answer: 'Keep for later' | 'Discard'): Promise<void> {
  await runLine(page).getByRole('button', { name: 'Cancel' }).click()
  const question = page.getByRole('dialog')
  await expect(question).toContainText(/Keep the \d+ finished tensors?\?/)
  await question.getByRole('button', { name: answer }).click()
  await expect(runLine(page)).toHaveAttribute('data-run', 'cancelled', patience)
}

export async function saved(page: Page): Promise<void> {
  await expect(page.getByTestId('run-result').first()).toContainText('Saved and checked', patience)
}

/** SHA-256 of a file: a difference between two of 100 MB is a line. */
export function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** Digest of what the command line writes with these flags. */
export function compressed(source: string, folder: string, ...flags: string[]): string {
  const out = join(folder, 'by-command-line.safetensors')
  commandLine('compress', source, '--out', out, '--force', ...flags)
  return digest(out)
}
