import { EventEmitter } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { endWhenSilent, pingMs } from '../../../main/loopback/heartbeat.ts'

function fakeSocket() {
  const calls: string[] = []
  const socket = Object.assign(new EventEmitter(), {
    ping: () => calls.push('ping'),
    terminate: () => {
      calls.push('terminate')
      socket.emit('close')
    },
  })
  return { socket, calls }
}

test('a page that answers stays, one that fell silent is let go', () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const { socket, calls } = fakeSocket()
  endWhenSilent(socket as unknown as WebSocket)
  for (let i = 0; i < 3; i++) {
    vi.advanceTimersByTime(pingMs)
    socket.emit('pong')
  }
  expect(calls).toEqual(['ping', 'ping', 'ping'])
  vi.advanceTimersByTime(2 * pingMs)
  expect(calls.slice(3)).toEqual(['ping', 'terminate'])
  vi.advanceTimersByTime(5 * pingMs)
  expect(calls).toHaveLength(5)
  expect(vi.getTimerCount()).toBe(0)
})
