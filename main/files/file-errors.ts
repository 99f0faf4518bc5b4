/**
 * What the file system says, as a sentence. node's own messages carry whole paths; these name the file alone, because they are shown on a
 * page that must not learn where things lie.
 */
import { AppError, type ErrorCode } from '../../core/errors.ts'
import { errno } from '../system/errno.ts'

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission was denied',
  EBUSY: 'another program is using it',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than this file system allows',
  EIO: 'the disk reported an input/output error',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'this process has too many files open',
  ENAMETOOLONG: 'the name is too long for this file system',
  ENFILE: 'the system has too many files open',
  ENODEV: 'the device is gone',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is not a folder',
  ENXIO: 'it is not a regular file',
  EPERM: 'the operation is not permitted',
  EROFS: 'the file system is read-only',
  ESTALE: 'the network file system lost it',
  ETXTBSY: 'it is being executed',
}

/** Whether nothing is at a path, nor can be as things are: a part of it is missing or no folder, or a name is too long. */
export function isNowhere(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errno(error) ?? '')
}

/** "x could not be read: permission was denied." A fault that is not the file system's is passed on unchanged. */
export function readFault(error: unknown, name: string): unknown {
  const code = errno(error)
  if (error instanceof AppError || code === undefined) return error
  if (code === 'ENOENT') return new AppError('not-found', `${name} was not found.`)
  return fault('not-found', name, 'read', code)
}

/** "x could not be written: the file system is read-only. Choose another folder." `advice` replaces the last sentence. */
export function writeFault(error: unknown, name: string, advice = 'Choose another folder.'): unknown {
  const code = errno(error)
  if (error instanceof AppError || code === undefined) return error
  if (code === 'ENOENT')
    return new AppError('cannot-write', `${name} could not be written: its folder does not exist. ${advice}`)
  const full = fault('cannot-write', name, 'written', code)
  return new AppError(full.code, `${full.message} ${advice}`)
}

function fault(code: ErrorCode, name: string, verb: string, errno: string): AppError {
  return new AppError(code, `${name} could not be ${verb}: ${reasons[errno] ?? `the system said ${errno}`}.`)
}
