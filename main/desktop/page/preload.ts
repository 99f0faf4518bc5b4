/**
 * The only code that sees both Electron and the page. It hands over two MessagePorts, one to main and one to the engine, and two
 * functions; ipcRenderer itself never reaches the page. Built as CommonJS: a sandboxed preload cannot be a module.
 */
import { contextBridge, ipcRenderer, webUtils } from 'electron/renderer'
import type { DesktopBridge, GrantAnswer } from '../../../core/contract.ts'

const bridge: DesktopBridge = {
  connect: () => ipcRenderer.send('ghostsvd:connect'),
  // The path of a real file that the user dropped or chose; a File made by script has none, so the page cannot name a path.
  grantFiles: async (files) => {
    const answer: unknown = await ipcRenderer.invoke(
      'ghostsvd:grant',
      files.map((file) => webUtils.getPathForFile(file)),
    )
    return answer as GrantAnswer
  },
}
contextBridge.exposeInMainWorld('ghostsvd', bridge)

ipcRenderer.on('ghostsvd:port', (event, to: unknown) => {
  // Only to this page: its origin is named, so a page that had replaced it would not hear.
  window.postMessage({ type: 'ghostsvd:port', to }, window.location.origin, [...event.ports])
})
