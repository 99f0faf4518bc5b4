/** Entry of the driver worker, which the engine process starts: it owns the kernels and runs core's algorithms. */
import { serveDriver } from './driver/driver-loop.ts'
import { kernelRoom } from './driver/kernel-room.ts'
import { engineTasks } from './driver/tasks.ts'

serveDriver((host) => engineTasks(kernelRoom(host)))
