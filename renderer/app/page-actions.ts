/** What the desktop's menu and the system ask for, by the same actions as the page's own buttons. */
import i18next from 'i18next'
import type { PageAction } from '../../core/contract.ts'
import { fromErrorReport } from '../../core/errors.ts'
import { sessionReducers } from '../frame/session.ts'
import { closeFile, openFrom, openGrant, pickFile, pickFolder } from '../model/file/file-actions.ts'

export async function carryOut(action: PageAction): Promise<void> {
  switch (action.do) {
    case 'open-file':
      return pickFile(i18next.t('start.file'))
    case 'open-folder':
      return pickFolder(i18next.t('start.folder'))
    case 'open':
      return openGrant(action.grant)
    case 'refuse':
      return openFrom('', () => Promise.reject(fromErrorReport(action.error)))
    case 'close-file':
      return closeFile()
    case 'show-settings':
      return sessionReducers.show('settings')
  }
}
