/**
 * A reverse proxy that hands requests to its servers in turn, as load balancers do: one that refuses the
 * connection is passed over, since nothing was sent to it; one that breaks off is a 502, and nothing is
 * sent twice.
 *
 * @module
 */

import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** A running proxy. */
export interface Proxy {
  readonly url: string
  close(): Promise<void>
}

type Outcome = 'answered' | 'refused' | 'broken'

/** Starts one before servers on these ports of 127.0.0.1. */
export async function startProxy(ports: readonly number[]): Promise<Proxy> {
  // Shorter than the servers keep an idle connection: none is used that they are about to end
  const agent = new Agent({ keepAlive: true, timeout: 2000 })
  let turn = 0

  async function forward(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray())
    const first = turn++
    let outcome: Outcome = 'refused'
    for (let attempt = 0; attempt < ports.length && outcome === 'refused'; attempt++) {
      const port = ports[(first + attempt) % ports.length]
      outcome = await pass({ port, agent, incoming, body }, response)
    }
    if (outcome === 'answered') return
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end()
  }

  const server = createServer((incoming, response) => {
    forward(incoming, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}

interface Passing {
  readonly port: number | undefined
  readonly agent: Agent
  readonly incoming: IncomingMessage
  readonly body: Buffer
}

function pass(
  { port, agent, incoming, body }: Passing,
  response: ServerResponse,
): Promise<Outcome> {
  const { method, url: path } = incoming
  const headers = withoutConnection(incoming.headers)
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, agent, method, path, headers })
    outgoing.once('error', (error) => {
      resolve('code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'broken')
    })
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers))
      pipeline(answer, response).then(
        () => resolve('answered'),
        () => resolve('broken'),
      )
    })
    outgoing.end(body)
  })
}

/** What is said of a connection is not said of the next one. @see RFC 9110, 7.6.1 */
function withoutConnection({
  connection: _,
  'keep-alive': __,
  ...headers
}: IncomingMessage['headers']): IncomingMessage['headers'] {
  return headers
}
