/** What is exported has a reader: unused files, exports and packages are errors. */
import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'main/{cli,start,electron}.ts!',
    'main/desktop/{page,device}/preload.ts!',
    'main/engine/{engine,driver,team,relay,device,device-window,runtime}.ts!',
    'main/build/fpm.ts',
    'test/e2e/set-up/{global-set-up,screenshots,states,old-electron/shim}.ts',
    'test/{bench,judge,package,stress}/**/*.ts',
    'test/windows/{windows,run-file,host}.ts',
    'test/windows/fixtures/*.ts',
  ],
  project: [
    'core/**/*.ts!',
    '!core/kernels/assembly/**',
    '!core/kernels/assembly/**!',
    'main/**/*.ts!',
    '!main/build/**!',
    'renderer/**/*.{ts,tsx}!',
    'test/**/*.ts',
  ],
  ignoreDependencies: ['assemblyscript'],
  ignoreBinaries: [
    'Xvfb',
    'ghostsvd',
    'mkfifo',
    'mount',
    'runuser',
    'script',
    'setpriv',
    'umount',
    'userdel',
    'wine',
    'xdotool',
  ],
  // An export that only its own file uses is none. What the product exports for its tests alone must be of use to its own file, and is then no
  // concern of the second pass, which does not see tests.
  ignoreExportsUsedInFile: process.argv.includes('--production'),
}

export default config
