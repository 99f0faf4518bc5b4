/** Entry of the thread between a driver and its device's process: out/main/relay.js. */
import { workerData } from 'node:worker_threads'
import { deviceProcess } from './device/device-process.ts'
import { serveRelay } from './device/relay.ts'
import type { RelayInit } from './device/spawn-device.ts'

const init = workerData as RelayInit
serveRelay(init, deviceProcess(init.entry))
