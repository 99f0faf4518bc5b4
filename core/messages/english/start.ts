import type { Message, Words } from '../message.ts'
import type { Foreign } from '../text.ts'

/** `npm start`: whether Electron's runtime is there, and what is done without it. Clauses but for the whole lines at the end. */
export const start = {
  'start.no-program': (v: { program: Foreign }) => `there is no ${v.program}`,
  'start.no-package': () => 'the package electron is not installed',
  'start.no-display': () => 'there is no display',
  'start.root': () => 'its sandbox does not run as root',
  'start.not-installed': (v: { why: Message }, w: Words) => `it is not installed here, and ${w.text(v.why)}`,
  'start.no-address': (v: { address: Foreign }) => `${v.address} is not a valid download address`,
  'start.unreachable': (v: { host: Foreign; why: Foreign }) =>
    `it is not installed here and ${v.host} cannot be reached (${v.why})`,
  'start.download-failed': (v: { code: number }) =>
    `its download failed as said above, with exit code ${v.code}; "npx install-electron" tries again`,
  'start.library-missing': () => 'a library of the system is missing, as said above',
  'start.no-sandbox': (v: { setting: Foreign; value: Foreign; helper: Foreign }) =>
    `this system keeps programs from making the sandbox that Electron needs: ${v.setting} is ${v.value}. Allow it for this program: sudo chown root "${v.helper}" && sudo chmod 4755 "${v.helper}"`,
  'start.ended-by': (v: { signal: Foreign }) => `it ended at once with ${v.signal}`,
  'start.ended': (v: { code: number }) => `it ended at once with exit code ${v.code}`,

  'start.fetching': () => "Fetching Electron's runtime (about 110 MB, once)...",
  'start.in-browser': (v: { why: Message }, w: Words) =>
    `Electron's runtime cannot be used (${w.text(v.why)}); the page opens in a browser instead.`,
  'start.no-window': () => 'If no window opens, open this address in a browser. Ctrl+C ends it.',
  'start.no-browser': () => 'Open this address in a browser of this machine, or through "ssh -L". Ctrl+C ends it.',
}
