/** Entry of the thread between a driver and its device's process: out/main/relay.js. */
import { workerData } from 'node:worker_threads'
import { serveRelay } from './device/relay-thread.ts'

serveRelay(workerData)
