/** Entry of a device's process: out/main/device.js, started by relay.ts. */
import { serveDevice } from './device/serve-device.ts'

void serveDevice()
