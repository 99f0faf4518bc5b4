/**
 * What crosses between main and an engine process, and inside that process between its event loop and its driver worker. Client messages
 * (the contract over birpc) travel inside `message` and are not looked at on the way.
 */

import type { MessagePort } from 'node:worker_threads'
import type { DifferenceReport, FileReport, Job, JobEvent, JobResult, TensorReport } from '../../core/contract.ts'
import type { ErrorReport } from '../../core/errors.ts'
import type { Way } from '../../core/kernels/gpu/adapter.ts'
import type { KernelInfo } from '../../core/kernels/kernels.ts'
import type { Message } from '../../core/messages/message.ts'
import type { SketchCounters } from '../../core/sketch-cache/sketch-cache.ts'
import type { AdapterForm } from '../../core/styles.ts'
import type { Bounds, Place } from '../files/within.ts'

// --- main <-> engine -----------------------------------------------------------------------------------------------------------------

/** To or from a model's process (main/answers/messages.ts), passed on as it is. */
export interface ModelMessage {
  readonly type: 'model'
  /** Of the process: the driver's own name for it. */
  readonly model: string
  readonly message: unknown
}
/** The process is wanted no more. */
export interface ModelEnd {
  readonly type: 'model-end'
  readonly model: string
}
/** It has ended, by itself or because it was told to. */
export interface ModelEnded {
  readonly type: 'model-ended'
  readonly model: string
  readonly exit: { readonly code: number | null; readonly signal: string | null; readonly stderrTail: string }
}

/** A hidden window that is a device, asked for by its engine. */
export interface DeviceAsked {
  readonly type: 'device'
  /** The engine's own number for it. */
  readonly device: number
  /** Whether the user named it: `auto` takes what is there. */
  readonly asked: boolean
}
export interface DeviceEnd {
  readonly type: 'device-end'
  readonly device: number
}
/** Its window is there: beside this comes the port to it. */
interface DevicePort {
  readonly type: 'device-port'
  readonly device: number
}
/** It has ended, or never came. */
interface DeviceEnded {
  readonly type: 'device-ended'
  readonly device: number
  readonly why: NoDevice
}

export type ToEngine =
  | { readonly type: 'connect'; readonly port: number }
  | { readonly type: 'message'; readonly port: number; readonly message: unknown }
  | { readonly type: 'disconnect'; readonly port: number }
  | { readonly type: 'answer'; readonly request: number; readonly ok: Place | null }
  | { readonly type: 'answer'; readonly request: number; readonly error: ErrorReport }
  | ModelMessage
  | ModelEnded
  | DevicePort
  | DeviceEnded
  /** Cancel everything, remove what is half-written, exit 0. */
  | { readonly type: 'stop' }

export type FromEngine =
  | { readonly type: 'ready' }
  | { readonly type: 'message'; readonly port: number; readonly message: unknown }
  | { readonly type: 'ask'; readonly request: number; readonly question: Question }
  /** The first one for a model starts its process. */
  | ModelMessage
  | ModelEnd
  | DeviceAsked
  | DeviceEnd

/** The path behind a grant, or the notice that a partial file is about to exist or has gone: main removes those of an engine that died. */
export type Question =
  | { readonly about: 'path'; readonly grantId: string; readonly use: 'read' | 'write' }
  | { readonly about: 'partial'; readonly path: string; readonly exists: boolean }

// --- event loop <-> driver -----------------------------------------------------------------------------------------------------------

/** An opened file as the event loop remembers it; a driver that does not have it open (yet, or any more) opens it. */
export interface FileRef {
  readonly fileId: string
  readonly path: string
  readonly within: Bounds
  /** State of the files when they were first opened; null before. */
  readonly fingerprint: string | null
  /** It is opened as what it adds to a model: a model to the one at `base`, an adapter to any, known or not. */
  readonly difference?: DifferenceRef
}

export interface DifferenceRef {
  readonly of: 'pair' | 'adapter'
  readonly base: Place | null
  readonly form: AdapterForm | null
  readonly convolutions: boolean
}

export type Task =
  | { readonly kind: 'open'; readonly file: FileRef }
  | {
      readonly kind: 'job'
      readonly job: Job
      /** By role, as the job declares them. */
      readonly files: Readonly<Record<string, FileRef>>
      readonly target: Place | null
    }

export interface OpenedFile {
  readonly format: string
  readonly safety: FileReport['safety']
  readonly totalBytes: number
  readonly notices: Message[]
  readonly tensors: TensorReport[]
  readonly fingerprint: string
  readonly isAdapter?: true
  readonly inputs?: NonNullable<FileReport['inputs']>
  readonly difference?: DifferenceReport
  readonly cannotBecome?: NonNullable<FileReport['cannotBecome']>
}

export interface DriverInfo extends KernelInfo {
  readonly notice: Message | null
}

export type TaskAnswer = OpenedFile | JobResult

type WithoutJobId<E> = E extends unknown ? Omit<E, 'jobId'> : never
/** What a running job says: the event loop adds its id. */
export type TaskEvent = WithoutJobId<
  Extract<JobEvent, { type: 'progress' | 'stage' | 'estimate' | 'spectrum' | 'tensor' }>
>

export type ToDriver =
  | { readonly type: 'task'; readonly id: number; readonly task: Task }
  | { readonly type: 'close'; readonly fileId: string }
  | { readonly type: 'noted'; readonly request: number }
  /** Make the kernels that jobs are likely to want, beside any task: `kernels` comes, or `no-kernels`. */
  | { readonly type: 'warm' }
  | ModelMessage
  | ModelEnded

export type FromDriver =
  | { readonly type: 'settled'; readonly id: number; readonly ok: TaskAnswer; readonly sketches?: SketchCounters }
  | { readonly type: 'settled'; readonly id: number; readonly error: ErrorReport }
  | { readonly type: 'event'; readonly id: number; readonly event: TaskEvent }
  | { readonly type: 'partial'; readonly request: number; readonly place: Place; readonly exists: boolean }
  /** The control block (core/kernels/control.ts) by which the kernels made from now on are cancelled. */
  | { readonly type: 'control'; readonly control: SharedArrayBuffer }
  | ModelMessage
  | ModelEnd
  /** Other kernels compute from now on. */
  | { readonly type: 'kernels'; readonly info: DriverInfo }
  /** Those that were asked for without a task could not be made. */
  | { readonly type: 'no-kernels'; readonly error: ErrorReport }

/** Places in the driver's flags: not 0 once the running task is to end, and while it is to pause. */
export const CANCELLED = 0
export const PAUSED = 1

/** Handed to the driver when it starts. */
export interface DriverData {
  /** Shared with the event loop: CANCELLED, PAUSED. */
  readonly flags: Int32Array
  /** Where threads of the team are asked for (threads.ts). */
  readonly teamPort: MessagePort
  /** What the process says of itself (runtime-name.ts). */
  readonly runtime: string
  /** How a device is reached here. */
  readonly deviceWay: Way
  /** Whether processes of models are started by main: elsewhere the driver forks them. */
  readonly relaysModels: boolean
}

// --- driver <-> device ---------------------------------------------------------------------------------------------------------------

/** Which device is wanted. */
export interface DeviceWish {
  /** Part of its name; null for whichever the system prefers. */
  readonly name: string | null
  /** Whether a processor that acts as a GPU is one. */
  readonly software: boolean
}

/** Why there is no device, or no more. */
export type NoDevice =
  /** Neither a process nor Chromium has one to offer. */
  | { readonly why: 'no-adapter' | 'no-webgpu' }
  /** Chromium has to be told before it starts. */
  | { readonly why: 'next-start' }
  | { readonly why: 'not-named'; readonly found: readonly string[] }
  | { readonly why: 'failed-test'; readonly name: string; readonly fault: string }
  | { readonly why: 'not-started'; readonly fault: string }
  | { readonly why: 'late'; readonly seconds: number }

/** What a relay (device/relay.ts) is started with. */
export interface DeviceStart {
  /** Cells of device/relay-cells.ts. */
  readonly control: SharedArrayBuffer
  /** The relay's end of the driver's port: it is transferred. The device ends with the other. */
  readonly port: MessagePort
  readonly wish: DeviceWish
}

export type SpawnDevice = (start: DeviceStart) => void
