/** Hook of electron-builder for trial.ts, before fuses are set: takes out the one that Electron 25 does not know yet. */
import type { AfterPackContext } from 'electron-builder'

export default function afterPack({ packager }: AfterPackContext): void {
  const fuses = packager.config.electronFuses as { grantFileProtocolExtraPrivileges?: boolean }
  delete fuses.grantFileProtocolExtraPrivileges
}
