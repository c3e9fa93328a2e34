/**
 * A server on 127.0.0.1 that can go away and come back on the same port.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A loopback server. Requests that come before `serve` get 503. */
export interface Listener {
  readonly port: number
  serve(listener: RequestListener): void
  /** Stops listening and drops every connection. */
  pause(): Promise<void>
  /** Listens again on the same port. */
  resume(): Promise<void>
  close(): Promise<void>
}

/** Listens on 127.0.0.1; port 0 is any free one. */
export async function listen(wantedPort: number): Promise<Listener> {
  let handle: RequestListener = (_req, res) => {
    res.statusCode = 503
    res.end()
  }
  const server = createServer((req, res) => handle(req, res))

  async function open(port: number): Promise<void> {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  async function shut(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  await open(wantedPort)
  const { port } = server.address() as AddressInfo
  return {
    port,
    serve(listener) {
      handle = listener
    },
    pause: shut,
    async resume() {
      if (!server.listening) await open(port)
    },
    close: shut,
  }
}
