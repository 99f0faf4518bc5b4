/** Entry of the driver worker, which the engine process starts: it owns the kernels and runs core's algorithms. */
import { serveDriver } from './driver-loop.ts'
import { kernelRoom } from './kernel-room.ts'
import { engineTasks } from './tasks.ts'

serveDriver((host) => engineTasks(kernelRoom(host)))
