/** Native dialogs, answered by grants. The page asks for a dialog; which path it names is between the user and main. */
import { type BrowserWindow, dialog } from 'electron/main'
import type { Grant } from '../../../core/contract.ts'
import { allWeightEndings } from '../../../core/weight-formats.ts'
import type { Grants } from '../../files/grants.ts'
import type { Say } from '../words.ts'

export interface Dialogs {
  pickFile(): Promise<Grant | null>
  pickFolder(): Promise<Grant | null>
  pickTarget(suggestedName: string): Promise<Grant | null>
}

/** @param window the one the dialog belongs to, asked for when it opens */
export function createDialogs(window: () => BrowserWindow, grants: Grants, say: () => Say): Dialogs {
  async function pick(properties: ('openFile' | 'openDirectory')[]): Promise<Grant | null> {
    const filters = [
      // An index of shards ends in .json.
      {
        name: say()('desktop.weight-files'),
        extensions: [...allWeightEndings.map((ending) => ending.slice(1)), 'json'],
      },
      { name: say()('desktop.all-files'), extensions: ['*'] },
    ]
    const picked = await dialog.showOpenDialog(window(), { properties, filters })
    const path = picked.filePaths[0]
    return picked.canceled || path === undefined ? null : grants.grant(path)
  }
  return {
    pickFile: () => pick(['openFile']),
    pickFolder: () => pick(['openDirectory']),
    async pickTarget(suggestedName) {
      // A name, wherever it came from: a path in it would choose the folder.
      const defaultPath = suggestedName.replace(/^.*[/\\]/, '')
      const picked = await dialog.showSaveDialog(window(), { defaultPath, properties: ['showOverwriteConfirmation'] })
      return picked.canceled || !picked.filePath ? null : grants.target(picked.filePath)
    },
  }
}
