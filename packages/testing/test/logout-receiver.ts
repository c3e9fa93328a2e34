/**
 * The back-channel logout endpoint of an app, as far as a provider can see it.
 *
 * @module
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, type JWTVerifyResult, jwtVerify } from 'jose'

/** What was posted to it. */
export interface ReceivedLogout {
  readonly contentType: string | undefined
  readonly logoutToken: string
}

/** A server on loopback that keeps what is posted to it. */
export interface LogoutReceiver {
  readonly url: string
  readonly received: ReceivedLogout[]
  /** The status of the answers from now on. Default 200. */
  answerWith(status: number): void
  close(): void
}

/** Starts a receiver. */
export async function startLogoutReceiver(): Promise<LogoutReceiver> {
  const received: ReceivedLogout[] = []
  let status = 200
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const contentType = req.headers['content-type']?.split(';')[0]
    received.push({ contentType, logoutToken: form.get('logout_token') ?? '' })
    res.writeHead(status, { 'cache-control': 'no-store' }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/back-channel-logout`,
    received,
    answerWith(wanted) {
      status = wanted
    },
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Verifies a Logout Token with the provider's published keys. */
export function verifyLogoutToken(
  issuer: string,
  received: ReceivedLogout | undefined,
): Promise<JWTVerifyResult> {
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`))
  const expected = { issuer, audience: 'app', typ: 'logout+jwt', algorithms: ['RS256'] }
  return jwtVerify(received?.logoutToken ?? '', keys, expected)
}
