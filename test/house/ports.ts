/**
 * Ports that stay free: for whoever has to name an address before somebody listens there, or to listen
 * again where nobody did for a while.
 *
 * Systems hand out the upper ones to all who ask for any. These are below, and each worker has its own,
 * which it goes through one by one: what is found free here is not taken by another test meanwhile.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

const first = 11_000
const perWorker = 500
const workers = 18

let count = Math.floor(Math.random() * perWorker)

/** Has a server listen on a port of 127.0.0.1 that stays free when it does not any more. */
export async function listenOnOurs(server: Server): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % workers
    const port = first + worker * perWorker + (count++ % perWorker)
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      return port
    } catch (error) {
      if (attempt === perWorker || !isTaken(error)) throw error
    }
  }
}

/** A port of loopback at which nobody listens. */
export async function findPort(): Promise<number> {
  const probe = createServer()
  const port = await listenOnOurs(probe)
  probe.close()
  await once(probe, 'close')
  return port
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
