/**
 * Which process it was that wrote something down, so that it can be told later whether it still lives. Its id alone does not say: ids are
 * given to other processes sooner or later. Where the system tells when a process started, id and start together name it for good.
 * Windows tells no program that asks in passing; there a process listens on a pipe of its own, which is there exactly as long as it lives.
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { z } from 'zod'
import { errno } from './errno.ts'

export const processIdentitySchema = z.strictObject({
  /** Its machine, as a folder of the user may be shared by several, and the container on it: ids mean something only inside. */
  host: z.string(),
  pid: z.number().int().positive(),
  /** When it started, in words of the system that only compare as equal, or the pipe it listens on; null where nothing says. */
  started: z.string().nullable(),
})
export type ProcessIdentity = z.infer<typeof processIdentitySchema>

export async function thisProcess(): Promise<ProcessIdentity> {
  const identity = await identify(process.pid)
  return process.platform === 'win32' ? { ...identity, started: await ownPipe() } : identity
}

/** @param pid of a process that lives now */
export async function identify(pid: number): Promise<ProcessIdentity> {
  return { host: await machine(), pid, started: await startOf(pid) }
}

/** Whether that very process still lives; null where it cannot be told from here. */
export async function stillLives({ host, pid, started }: ProcessIdentity): Promise<boolean | null> {
  if (host !== (await machine())) return null
  const [, key] = listens.exec(started ?? '') ?? []
  if (key !== undefined) return answers(pipeOf(pid, key))
  if (started !== null) return (await startOf(pid)) === started
  return exists(pid) ? null : false
}

const pipeOf = (pid: number, key: string) => `\\\\.\\pipe\\ghostsvd-${pid}-${key}`
/** What `started` says of a process that listens. */
const listens = /^pipe ([0-9a-f-]{36})$/
let listening: Promise<string | null> | null = null

/** The pipe of this thread: an engine whose driver was ended writes nothing any more. Null where none can be made. */
function ownPipe(): Promise<string | null> {
  listening ??= new Promise((settle) => {
    const key = randomUUID()
    const server = createServer((socket) => socket.destroy())
    server.on('error', () => settle(null))
    server.listen(pipeOf(process.pid, key), () => settle(`pipe ${key}`))
    // It keeps no process alive that has nothing else to do.
    server.unref()
  })
  return listening
}

/** One that is busy is there, even if it does not answer in time. */
const answerMs = 1_000

function answers(pipe: string): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect(pipe)
    const end = (lives: boolean) => {
      socket.destroy()
      settle(lives)
    }
    socket.setTimeout(answerMs, () => end(true))
    socket.on('connect', () => end(true))
    socket.on('error', (error) => end(errno(error) !== 'ENOENT'))
  })
}

/** The name of a container may be that of its machine, or of another container. */
async function machine(): Promise<string> {
  const name = hostname()
  if (process.platform !== 'linux') return name
  return `${name} ${await readlink('/proc/self/ns/pid').catch(() => '')}`.trim()
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of another user, but there.
    return errno(error) === 'EPERM'
  }
}

async function startOf(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') return await startOnLinux(pid)
    if (process.platform === 'darwin') return await startOnMac(pid)
    return null
  } catch {
    // No such process, or no way to look.
    return null
  }
}

/** Field 22 of /proc/PID/stat counts from the start of the machine, which has an id of its own. */
async function startOnLinux(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  // The second field is the program's name in parentheses, and may itself have spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // It has ended, and its parent has not asked how: a container without an init keeps such entries for good.
  if (fields[0] === 'Z') return null
  return `${boot.trim()}/${fields[19]}`
}

async function startOnMac(pid: number): Promise<string | null> {
  const { stdout } = await promisify(execFile)('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], {
    env: { LC_ALL: 'C', TZ: 'UTC' },
  })
  return stdout.trim() || null
}
