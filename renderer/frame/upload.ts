/** Files that the browser has and the host does not, sent to it. */
import { errorReportSchema, type Grant, grantSchema, uploadPath } from '../../core/contract.ts'
import { AppError, fromErrorReport } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'
import { entryName } from '../../core/weight-formats.ts'
import { pageKey } from './page-key.ts'

/**
 * Copies files into one temporary folder of the server, each to its path inside the drop, and answers with the grant of what is to be opened of what was dropped: a
 * file, or a folder, in which the engine looks as it does in any other.
 */
export async function upload(files: readonly File[]): Promise<Grant> {
  const opens = entryName([...new Set(files.map(({ name }) => dropped(name)))])
  if (opens === undefined) throw new AppError('bad-request', say('uploads.nothing'))
  const drop = crypto.randomUUID().replaceAll('-', '')
  const headers = { authorization: `Bearer ${pageKey()}` }
  let opened: Grant | null = null
  for (const file of files) {
    const query = new URLSearchParams({ drop, name: file.name })
    // What fails here has no words of its own: the host went away, or the file did.
    const response = await fetch(`${uploadPath}?${query}`, { method: 'POST', headers, body: file }).catch(() => {
      throw new AppError('cannot-write', say('uploads.aborted', { name: fileName(file.name) }))
    })
    const answer: unknown = await response.json().catch(() => null)
    if (!response.ok) throw refusal(response.status, answer)
    if (dropped(file.name) === opens) opened = grantSchema.parse(answer)
  }
  return opened!
}

/** What a path inside a drop begins with: the file itself, or the folder that was dropped. */
const dropped = (path: string) => path.split('/')[0]!

function refusal(status: number, answer: unknown): Error {
  const report = errorReportSchema.safeParse(answer)
  if (!report.success) return new AppError('cannot-write', say('uploads.refused', { status }))
  const { details, ...rest } = report.data
  return fromErrorReport(details ? { ...rest, details } : rest)
}
