/**
 * An app that never gets to its provider, for tests that end before.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { secret } from '../../support/setting.ts'

/** Options of a client that never gets to its provider. */
export const options = {
  issuer: 'http://127.0.0.1:1',
  clientId: 'app',
  clientAuth: { method: 'none' },
  baseUrl: 'http://localhost:3000',
  session: { secret },
} as const

/** The End-User of these tests. */
export const ada = { sub: 'ada', name: 'Ada' }

/** The header of a form. */
export const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** Serves an app on loopback until its test is over. Returns where. */
export async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  server.keepAliveTimeout = 0
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
