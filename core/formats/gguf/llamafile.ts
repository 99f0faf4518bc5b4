/** A llamafile: a program and a zip archive in one file, with a GGUF model as a member that is stored and read in place. */

import { pickedAlone } from '../../io.ts'
import { say } from '../../messages/english.ts'
import { fileName } from '../../messages/text.ts'
import { openZip } from '../archives/zip.ts'
import type { Format } from '../format.ts'
import { badFile, unsupported } from '../reading/refusal.ts'
import { gguf } from './gguf.ts'

export const llamafile: Format = {
  id: 'llamafile',
  // Programs of Cosmopolitan, for Unix and Windows alike.
  sniff: (head, source) =>
    /^(MZqFpD|jartsr)/.test(new TextDecoder('latin1').decode(head.subarray(0, 6))) ||
    (source.name.toLowerCase().endsWith('.llamafile') && head[0] === 77 && head[1] === 90),
  open: async (source) => {
    const archive = await openZip(source)
    const models = [...archive.members.values()].filter(({ name }) => name.toLowerCase().endsWith('.gguf'))
    const [model, ...others] = models
    if (!model)
      throw badFile(source.name, 'a GGUF model in the program', `${archive.members.size} members, none of them one`)
    if (others.length > 0)
      throw unsupported(
        source.name,
        say('unread.several-models', {
          count: models.length,
          some: models.slice(0, 3).map(({ name }) => fileName(name)),
        }),
      )
    const member = await archive.open(model)
    const file = await gguf.open(member, pickedAlone(member).folder)
    return {
      ...file,
      format: 'llamafile',
      // It is a program.
      safety: 'code-passed-over',
      totalBytes: source.byteLength,
      close: async () => {
        await file.close()
        await source.close()
      },
    }
  },
}
