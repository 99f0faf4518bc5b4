import type { Words } from '../message.ts'
import type { FileName, Foreign } from '../text.ts'

/** What the desktop says outside its page: menus, boxes, notifications. */
export const desktop = {
  'desktop.file': () => 'File',
  'desktop.open-file': () => 'Open File…',
  'desktop.open-folder': () => 'Open Folder…',
  'desktop.open-recent': () => 'Open Recent',
  'desktop.clear-recent': () => 'Clear Menu',
  'desktop.close-file': () => 'Close File',
  'desktop.close-window': () => 'Close Window',
  'desktop.settings': () => 'Settings…',
  'desktop.quit': () => 'Quit GhostSVD',
  'desktop.edit': () => 'Edit',
  'desktop.undo': () => 'Undo',
  'desktop.redo': () => 'Redo',
  'desktop.cut': () => 'Cut',
  'desktop.copy': () => 'Copy',
  'desktop.paste': () => 'Paste',
  'desktop.select-all': () => 'Select All',
  'desktop.view': () => 'View',
  'desktop.reload': () => 'Reload',
  'desktop.actual-size': () => 'Actual Size',
  'desktop.zoom-in': () => 'Zoom In',
  'desktop.zoom-out': () => 'Zoom Out',
  'desktop.full-screen': () => 'Toggle Full Screen',
  'desktop.developer-tools': () => 'Toggle Developer Tools',
  'desktop.window': () => 'Window',
  'desktop.minimize': () => 'Minimize',
  'desktop.zoom': () => 'Zoom',
  'desktop.bring-to-front': () => 'Bring All to Front',
  'desktop.services': () => 'Services',
  'desktop.hide': () => 'Hide GhostSVD',
  'desktop.hide-others': () => 'Hide Others',
  'desktop.show-all': () => 'Show All',
  'desktop.help': () => 'Help',
  'desktop.about': () => 'About GhostSVD',
  'desktop.licenses': () => 'Licenses',
  'desktop.runtime-licenses': () => 'Licenses of Electron and Chromium',
  'desktop.show-logs': () => 'Show Logs',
  'desktop.check-for-updates': () => 'Check for Updates…',
  'desktop.paper-randomized-svd': () => 'Randomized SVD: Halko, Martinsson, Tropp (2011)',
  'desktop.safetensors-format': () => 'Safetensors Format',

  'desktop.weight-files': () => 'Weight files',
  'desktop.all-files': () => 'All files',

  'desktop.run-finished': (v: { name: FileName }) => `${v.name} is saved and checked`,
  'desktop.run-sizes': (v: { before: number; after: number; error: number }, w: Words) =>
    `${w.bytes(v.before)} -> ${w.bytes(v.after)}, error ${w.percent(v.error)}`,
  'desktop.run-failed': (v: { name: FileName }) => `${v.name} could not be finished`,

  'desktop.quit-question': (v: { running: number }) =>
    v.running === 1 ? 'A compression is running.' : `${v.running} compressions are running.`,
  'desktop.quit-detail': () => 'If you quit now, finished tensors are kept and you can resume next time.',
  'desktop.keep-running': () => 'Keep Running',
  'desktop.quit-now': () => 'Quit',

  'desktop.page-crashed': () => 'The page crashed twice in a row.',
  'desktop.page-crashed-detail': (v: { reason: Foreign }) =>
    `Compressions continue. The last crash was reported as "${v.reason}".`,
  'desktop.page-unresponsive': () => 'The page does not respond.',
  'desktop.page-unresponsive-detail': () => 'Compressions continue. Reloading opens the same file again.',
  'desktop.wait': () => 'Wait',

  'desktop.fault': () => 'GhostSVD has to close.',
  'desktop.fault-detail': (v: { fault: Foreign }) =>
    `An internal fault occurred: ${v.fault}\n\nFinished tensors of running compressions are kept. The log has the details.`,
  'desktop.start-failed': () => 'GhostSVD could not start.',
  'desktop.start-failed-detail': (v: { fault: Foreign }) => `${v.fault}\n\nThe log has the details.`,

  'desktop.up-to-date': () => 'GhostSVD is up to date.',
  'desktop.version': (v: { version: string }) => `Version ${v.version}`,
  'desktop.update-available': (v: { version: string }) => `GhostSVD ${v.version} is available.`,
  'desktop.update-available-detail': (v: { current: string }) => `You have version ${v.current}. Download it now?`,
  'desktop.download': () => 'Download',
  'desktop.later': () => 'Later',
  'desktop.update-ready': (v: { version: string }) => `GhostSVD ${v.version} is ready to install.`,
  'desktop.update-ready-detail': () => 'GhostSVD closes, installs it, and starts again.',
  'desktop.install': () => 'Install and Restart',
  'desktop.update-failed': () => 'The update check failed.',
  'desktop.update-waits': () => 'A compression is running. Check for updates when it has ended.',
}
