/**
 * Plain servers on a free port, for answers that no honest app or provider gives.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { generateCertificate } from '../../kms/support/certificate.ts'

/** A server that ends with the block it is used in. */
export interface PlainServer extends AsyncDisposable {
  readonly url: string
}

/** Serves plain http at `http://localhost`. */
export function serve(listener: RequestListener): Promise<PlainServer> {
  return listen(createServer(listener), 'http')
}

/** Serves https at `https://localhost`, with a certificate that nobody knows. */
export function serveTls(listener: RequestListener): Promise<PlainServer> {
  return listen(createTlsServer(generateCertificate(), listener), 'https')
}

async function listen(server: Server, scheme: string): Promise<PlainServer> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://localhost:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
