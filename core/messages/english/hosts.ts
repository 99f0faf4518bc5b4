import type { Words } from '../message.ts'
import type { FileName, Foreign, Quoted } from '../text.ts'

/** The hosts of a page and the command line. */
export const hosts = {
  'grants.not-given': () => 'This file was not given to this page. Open it again.',
  'grants.not-to-read': (v: { name: FileName }) => `${v.name} was not given to this page to read it.`,
  'grants.not-to-write': (v: { name: FileName }) => `${v.name} was not given to this page to write it.`,
  'grants.own-page': () => 'Only the page itself may do this.',
  'grants.not-a-file': () => 'What was dropped is not a file on this computer.',

  'runs.gone': () => 'This run is not in the list any more: it was resumed or removed in another window.',
  'runs.too-many': (v: { most: number }) =>
    `${v.most} runs are under way or waiting. Cancel some of them, or start this one when they have ended.`,
  'runs.elsewhere': (v: { name: FileName }) =>
    `${v.name} is being written by another process, from the command line or another application. Stop it there.`,
  'runs.out-of-sight': (v: { name: FileName }) =>
    `${v.name} is not in a folder that this page can see. Put it back, or start the host with its folder.`,
  'runs.nothing-left': (v: { name: FileName }) => `${v.name} has nothing to resume. Start a new run.`,
  'runs.no-report': (v: { name: FileName }) => `The run that was to write ${v.name} has no report.`,
  'runs.being-written': (v: { name: FileName }) => `${v.name} is being written. Cancel it first.`,

  'host.connection-lost': () =>
    'The connection to GhostSVD was lost before it answered. Whether a run began is in History once it is back.',
  'host.no-dialogs': () =>
    'This page runs in a browser: choose a file in its list of folders, or drop one on the page.',
  'host.file-elsewhere': () => 'The file lies on the machine that serves this page.',
  'host.no-folders': () => 'The desktop application has dialogs of the system instead.',

  'uploads.busy': (v: { name: FileName }) => `${v.name} is being uploaded already.`,
  'uploads.twice': (v: { name: FileName }) => `${v.name} is there twice in what was dropped. Drop one of them.`,
  'uploads.stopped': (v: { name: FileName }) => `${v.name} stopped arriving. Upload it again.`,
  'uploads.aborted': (v: { name: FileName }) => `The upload of ${v.name} was interrupted.`,
  'uploads.too-large': (v: { bytes: number; limit: number }, w: Words) =>
    `The upload has ${w.bytes(v.bytes)} and the temporary folder has room for ${w.bytes(v.limit)}. Put the file into a folder that was named when the host was started.`,
  'uploads.bad-name': (v: { name: Quoted }) => `${v.name} cannot be the name of an upload.`,
  'uploads.bad-drop': (v: { id: Quoted }) => `${v.id} cannot be the id of a drop.`,
  'uploads.refused': (v: { status: number }) => `The server refused the file (HTTP ${v.status}).`,
  'uploads.nothing': () => 'There was no file in what was dropped.',

  'serve.open-link': () => 'Open the link that was printed in the terminal.',
  'serve.old-link': () => 'This link is not valid. Open the one that was printed last.',
  'serve.port-in-use': (v: { port: number }) => `Port ${v.port} is in use. Choose another one, or 0 for any free port.`,
  'serve.port-rights': (v: { port: number }) => `Port ${v.port} needs more rights. Choose one above 1023.`,
  'serve.not-a-folder': (v: { path: Quoted }) => `${v.path} is not a folder.`,
  'serve.not-named': (v: { name: FileName }) =>
    `${v.name} is not one of the folders that were named when the host was started.`,
  'serve.too-many-entries': (v: { count: number; most: number }) =>
    `The folder has ${v.count} entries; ${v.most} can be listed. Name a folder inside it.`,

  'merge.cancelled': () => 'The merge was cancelled.',
  'bench.not-handed': (v: { path: Quoted; fault: Foreign }) =>
    `The matrix could not be handed to the peers through ${v.path}: ${v.fault}.`,
  'bench.no-script': (v: { path: Quoted }) =>
    `--peers runs test/bench/peers.py, which is only in a checkout: ${v.path} is missing.`,
  'bench.no-window': () =>
    'bench measures no GPU in the application, whose other commands use one: run it from the npm package, with the package webgpu.',
  'bench.peers-ended': (v: { reason: Foreign }) => `The Python process of --peers ended: ${v.reason}.`,
  'bench.peers-said': (v: { line: Foreign }) => `The Python process of --peers said: ${v.line}`,
}
