/** Entry of a team member's thread: out/main/team.js. */
import { workerData } from 'node:worker_threads'
import { serveMember } from '../../core/kernels/team.ts'

serveMember(workerData)
