/**
 * What the file system says, in words. node's own messages carry whole paths; these name the file alone, because they are shown on a
 * page that must not learn where things lie.
 */

import { basename } from 'node:path'
import { AppError } from '../../core/errors.ts'
import { say } from '../../core/messages/english.ts'
import type { Message } from '../../core/messages/message.ts'
import { fileName, foreign } from '../../core/messages/text.ts'
import { errno } from '../system/errno.ts'

/** In one component of a path: characters on NTFS, bytes elsewhere. */
const longestName = 255

/** Faults that have words of their own. */
const known = [
  ...(['EACCES', 'EBUSY', 'EDQUOT', 'EFBIG', 'EIO', 'EISDIR', 'ELOOP', 'EMFILE', 'ENAMETOOLONG', 'ENFILE'] as const),
  ...(['ENODEV', 'ENOSPC', 'ENOTDIR', 'ENXIO', 'EPERM', 'EROFS', 'ESTALE', 'ETXTBSY'] as const),
]

/** Whether nothing is at a path, nor can be as things are: a part of it is missing or no folder, or a name is too long. */
export function isNowhere(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errno(error) ?? '')
}

/** "x could not be read: permission was denied." A fault that is not the file system's is passed on unchanged. */
export function readFault(error: unknown, name: string): unknown {
  const code = errno(error)
  if (error instanceof AppError || code === undefined) return error
  if (code === 'ENOENT') return new AppError('not-found', say('files.not-found', { name: fileName(name) }))
  return new AppError('not-found', say('files.cannot-read', { name: fileName(name), why: whyOf(code) }))
}

/** "x could not be written: the file system is read-only. Choose another folder." `advice` replaces the last sentence. */
export function writeFault(error: unknown, name: string, advice = say('files.choose-folder')): unknown {
  const code = errno(error)
  if (error instanceof AppError || code === undefined) return error
  const why = code === 'ENOENT' ? say(isTooLong(error) ? 'system.ENAMETOOLONG' : 'system.folder-gone') : whyOf(code)
  return new AppError('cannot-write', [say('files.cannot-write', { name: fileName(name), why, written: null }), advice])
}

/** Windows says of such a name only that nothing is there. */
function isTooLong(error: unknown): boolean {
  const { path = '' } = error as NodeJS.ErrnoException
  return basename(path).length > longestName
}

function whyOf(code: string): Message {
  const found = known.find((each) => each === code)
  return found ? say(`system.${found}`) : say('system.other', { code: foreign(code) })
}
