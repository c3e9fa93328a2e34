/**
 * What the doctor's checks look at: an app that is taken apart, and a server in its place.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { optionsFromEnv } from '@countersign/core'
import { inspect } from '@countersign/core/inspection'
import { createExamination, type Examination } from '../../src/doctor/examination.ts'

/** Variables by name. */
export type Variables = Readonly<Record<string, string>>

/** Variables with which an app starts, but for its key. Nobody answers at either URL. */
export const working: Variables = {
  OIDC_ISSUER: 'http://127.0.0.1:9',
  OIDC_CLIENT_ID: 'app',
  OIDC_BASE_URL: 'http://localhost:9',
  OIDC_SESSION_SECRET: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
}

/** Takes the app of these variables apart. */
export function takeApart(changes: Variables, now: () => number = () => 0): Examination {
  const inspection = inspect(optionsFromEnv({ ...working, ...changes }))
  return createExamination(inspection, { now }, { milliseconds: 10_000 })
}

/** A server on a free port, which ends with the block it is used in. */
export async function serve(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
