/**
 * Small files that are read whole - settings, history, recipes, locks, sketches. What lies under their names may be anything by then: a
 * pipe that never answers, a device that never ends, a file of a terabyte. Only a regular file of a bounded size is read.
 */

import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import { fileName } from '../../core/messages/text.ts'

/** Of what people write or this program keeps for itself: a recipe, an entry of the history. The largest report of a run is below. */
const smallFileBytes = 256 * 1024 * 1024

/**
 * @throws AppError `bad-request` for what is no regular file, `over-limit`; what the file system says, as it says it
 */
export async function readWhole(path: string, maxBytes = smallFileBytes): Promise<Buffer> {
  // Opening a pipe for reading waits for its writer unless told not to; on anything regular the flag means nothing.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
  try {
    const status = await handle.stat()
    if (!status.isFile()) throw new AppError('bad-request', say('files.not-regular', { name: fileName(path) }))
    if (status.size > maxBytes)
      throw new AppError(
        'over-limit',
        say('files.too-large', { name: fileName(path), bytes: status.size, limit: maxBytes }),
        { byteLength: status.size, limit: maxBytes },
      )
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}
