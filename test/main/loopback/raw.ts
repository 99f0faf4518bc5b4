/** HTTP as bytes: what no client library would send, an attacker does. */
import { connect } from 'node:net'

export interface RawReply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends `lines` as they are (CRLF added) and reads until the host closes or has answered. */
export function sendRaw(port: number, lines: readonly string[], body = ''): Promise<RawReply> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    const finish = () => {
      socket.destroy()
      const [head = '', ...rest] = received.split('\r\n\r\n')
      const [first = '', ...headerLines] = head.split('\r\n')
      const headers = new Map(
        headerLines.map((line) => [
          line.slice(0, line.indexOf(':')).toLowerCase(),
          line.slice(line.indexOf(':') + 1).trim(),
        ]),
      )
      resolve({ status: Number(first.split(' ')[1]), headers, body: rest.join('\r\n\r\n') })
    }
    socket.setEncoding('utf8')
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      received += chunk
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = /content-length: (\d+)/i.exec(received.slice(0, end))?.[1] ?? '0'
      // A HEAD answer names a length and sends none; 101 has no body either.
      if (lines[0]!.startsWith('HEAD ') || Buffer.byteLength(received.slice(end + 4)) >= Number(length)) finish()
    })
    socket.on('close', finish)
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  })
}
