/** Bytes by key, outside this process: bounded in size, and free to forget. */
export interface ColdStore {
  /** The caller's own. */
  read(key: string): Promise<Uint8Array | null>
  write(key: string, bytes: Uint8Array): Promise<void>
}
