/** Connections that say nothing: browsers keep spare ones open. */
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { listen } from '../../../main/loopback/server.ts'

const answer = async () => new Response('')

it.each(['', 'GET / HT'])('is closed without a word after %j', async (said) => {
  const server = await listen({
    port: 0,
    headersMs: 200,
    assets: answer,
    upload: answer,
    download: answer,
    page: () => {},
  })
  onTestFinished(() => server.close())
  const socket = connect(server.port, '127.0.0.1')
  socket.write(said)
  let heard = ''
  socket.on('data', (bytes) => {
    heard += bytes
  })
  await new Promise((resolve) => socket.on('close', resolve))
  expect(heard).toBe('')
})
