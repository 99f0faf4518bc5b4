/** The preload of a device's window: hands its page the port that main sends, and has nothing else. */
import { ipcRenderer } from 'electron/renderer'

ipcRenderer.once('ghostsvd:device', (event, told: unknown) => {
  window.postMessage(told, window.location.origin, [...event.ports])
})
