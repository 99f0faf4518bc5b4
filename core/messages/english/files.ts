import type { Message, NoValues, Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** Files and folders that are read or written. */
export const files = {
  'files.not-found': (v: { name: FileName }) => `${v.name} was not found.`,
  'files.cannot-read': (v: { name: FileName; why: Message }, w: Words) =>
    `${v.name} could not be read: ${w.text(v.why)}.`,
  'files.cannot-write': (v: { name: FileName; why: Message; written: number | null }, w: Words) =>
    `${v.name} could not be written${v.written === null ? '' : ` beyond ${w.bytes(v.written)}`}: ${w.text(v.why)}.`,
  'files.choose-folder': () => 'Choose another folder.',
  'files.choose-name': () => 'Choose another name.',
  'files.close-and-retry': () => 'Close it there and try again, or choose another name.',
  'files.remove-by-hand': () => 'Remove it by hand.',

  'system.folder-gone': () => 'its folder does not exist',
  'system.EACCES': () => 'permission was denied',
  'system.EBUSY': () => 'another program is using it',
  'system.EDQUOT': () => 'the disk quota is used up',
  'system.EFBIG': () => 'the file is larger than this file system allows',
  'system.EIO': () => 'the disk reported an input/output error',
  'system.EISDIR': () => 'it is a folder',
  'system.ELOOP': () => 'its symbolic links form a loop',
  'system.EMFILE': () => 'this process has too many files open',
  'system.ENAMETOOLONG': () => 'the name is too long for this file system',
  'system.ENFILE': () => 'the system has too many files open',
  'system.ENODEV': () => 'the device is gone',
  'system.ENOSPC': () => 'the disk is full',
  'system.ENOTDIR': () => 'a part of its path is not a folder',
  'system.ENXIO': () => 'it is not a regular file',
  'system.EPERM': () => 'the operation is not permitted',
  'system.EROFS': () => 'the file system is read-only',
  'system.ESTALE': () => 'the network file system lost it',
  'system.ETXTBSY': () => 'it is being executed',
  'system.open-elsewhere': () => 'another program has it open',
  'system.read-only-file': () => 'it is marked as read-only',
  'system.other': (v: { code: Foreign }) => `the system said ${v.code}`,

  'files.exists': (v: { name: FileName }) => `${v.name} exists already.`,
  'files.exists-damaged': (v: { name: FileName }) => `What ${v.name} holds is damaged.`,
  'files.exists-outdated': () => 'Its source has changed since it was written.',
  'files.choose-or-overwrite': (_: NoValues, w: Words) => `Choose another name, or ${w.act('overwrite')}.`,
  'files.link': (v: { name: FileName }) => `${v.name} is a link to another place. Choose another name.`,
  'files.link-out': (v: { name: Quoted; folder: FileName }) => `${v.name} is a link that leads out of ${v.folder}.`,
  'files.is-source': (v: { name: FileName; target: FileName }) =>
    `${v.name} is the source itself, or has it inside. Choose another name for ${v.target}.`,
  'files.is-source-folder': (v: { name: FileName; target: FileName }) =>
    `${v.name} is the folder of the source. Choose another name for ${v.target}.`,
  'files.one-output': (v: { first: FileName; second: FileName; target: FileName }) =>
    `${v.first} and ${v.second} would both be written to ${v.target}. Rename one of them, or write them one by one.`,
  'files.no-temporary': (v: { folder: Quoted; fault: Foreign }) =>
    `No temporary folder can be made in ${v.folder} (${v.fault}). Name another place in TMPDIR.`,
  'files.in-the-way': (v: { name: FileName; target: FileName }) =>
    `${v.name} is in the way, and nothing says that an unfinished run left it. Move it or remove it, or choose another name for ${v.target}.`,
  'files.current-folder-gone': () =>
    'The folder that this command was started in is gone. Change to another folder first.',
  'files.other-disk': (v: { name: FileName }) =>
    `${v.name} is another disk, or a link to one: an output grows beside its name and is then moved in one step. Choose a name inside it.`,
  'files.target-not-regular': (v: { name: FileName }) => `${v.name} is not a regular file. Choose another name.`,
  'files.bad-name': (v: { name: Quoted }) => `${v.name} cannot be the name of a file here. Choose another name.`,
  'files.not-in-folder': (v: { name: Quoted }) => `${v.name} is not the name of a file in this folder.`,
  'files.no-space': (v: { name: FileName; needed: number; free: number; folder: FileName }, w: Words) =>
    `${v.name} needs ${w.bytes(v.needed)}, and ${w.bytes(v.free)} is free in ${v.folder}. Free some space or choose another folder.`,
  'files.folder-gone': (v: { name: FileName }) => `The folder ${v.name} does not exist. Choose another folder.`,
  'files.being-written': (v: { name: FileName }) =>
    `${v.name} is being written by another run. Wait for it, or choose another name.`,
  'files.taken-over': (v: { name: FileName }) =>
    `${v.name} is being written by another run, which replaced this one's file.`,
  'files.record-in-the-way': (v: { name: FileName; of: 'output' | 'recipe' | 'report' }) =>
    `${v.name} would replace the ${v.of} of this run. Choose another name for it.`,
  'files.read-back': (v: { name: FileName; byte: number }) =>
    `${v.name}: what was read back from byte ${v.byte} on is not what was written. The disk or its driver is at fault.`,

  'files.is-folder': (v: { name: FileName }) => `${v.name} is a folder, not a file.`,
  'files.not-regular': (v: { name: FileName }) => `${v.name} is not a regular file.`,
  'files.neither': (v: { name: FileName }) => `${v.name} is neither a folder nor a regular file.`,
  'files.too-large': (v: { name: FileName; bytes: number; limit: number }, w: Words) =>
    `${v.name} has ${w.bytes(v.bytes)}; no more than ${w.bytes(v.limit)} is read of a file of its kind.`,
  'files.no-memory': (v: { name: FileName; bytes: number }, w: Words) =>
    `Reading ${v.name} needs ${w.bytes(v.bytes)} of memory, which is not free.`,
  'files.shorter': (v: { name: FileName; before: number; after: number }, w: Words) =>
    `${v.name} became shorter while it was read: expected ${w.count(v.before)} bytes, found ${w.count(v.after)}. Open it again.`,
  'files.removed': (v: { name: FileName }) => `${v.name} was removed or renamed while it was read. Open it again.`,
  'files.replaced': (v: { name: FileName }) =>
    `${v.name} was replaced by another file while it was read. Open it again.`,
  'files.resized': (v: { name: FileName; before: number; after: number }, w: Words) =>
    `${v.name} was modified while it was read: it had ${w.count(v.before)} bytes and has ${w.count(v.after)}. Open it again.`,
  'files.modified': (v: { name: FileName }) => `${v.name} was modified while it was read. Open it again.`,
}
