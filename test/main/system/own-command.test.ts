import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { ownCommand } from '../../../main/system/own-command.ts'

const node = { execPath: '/usr/bin/node', env: {}, versions: {}, platform: 'linux' }
const electron = {
  execPath: '/opt/GhostSVD/ghostsvd',
  argv: ['/opt/GhostSVD/ghostsvd'],
  env: {},
  versions: { electron: '45.4.1' },
  platform: 'linux',
}

test('installed by npm it is on the PATH', () => {
  expect(ownCommand({ ...node, argv: ['/usr/bin/node', '/usr/local/bin/ghostsvd', 'serve'] })).toEqual(['ghostsvd'])
})

test('from a checkout it is a script, by its whole path', () => {
  const cli = resolve('out/main/cli.js')
  expect(ownCommand({ ...node, argv: ['/usr/bin/node', '/work/out/main/start.js'] }, cli)).toEqual(['node', cli])
  expect(ownCommand({ ...electron, defaultApp: true }, cli)).toEqual(['node', cli])
})

test('packed it is the application, and an AppImage the file that was started', () => {
  expect(ownCommand(electron)).toEqual(['/opt/GhostSVD/ghostsvd'])
  expect(ownCommand({ ...electron, env: { APPIMAGE: '/home/ada/GhostSVD.AppImage' } })).toEqual([
    '/home/ada/GhostSVD.AppImage',
  ])
  const windows = { ...electron, platform: 'win32', execPath: 'C:\\Program Files\\GhostSVD\\GhostSVD.exe' }
  expect(ownCommand(windows)).toEqual(['C:\\Program Files\\GhostSVD\\ghostsvd.cmd'])
})
