/**
 * A provider that sends Logout Tokens: its metadata and its JWK Set on a socket, and its signatures.
 *
 * @module
 */

import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CompactJWSHeaderParameters, CompactSign } from 'jose'
import * as client from 'openid-client'
import { onTestFinished } from 'vitest'
import type { OidcEvent } from '../../../src/events.ts'
import { createFetch } from '../../../src/http/fetch.ts'
import type { LogoutTokenSettings } from '../../../src/logout/logout-token.ts'
import { createProvider, type Provider } from '../../../src/provider/discovery.ts'

/** What time it is. */
export const now = 1_800_000_000
/** The client that tokens are for. */
export const clientId = 'app'

/** A public key as it is published. */
export const publish = (key: KeyObject, more: object = {}): JsonWebKey => ({
  ...createPublicKey(key).export({ format: 'jwk' }),
  ...more,
})

/** The claims of a token that is good, with others in their place; `undefined` takes one away. */
export const buildClaims = (issuer: string, others: object = {}): object => ({
  iss: issuer,
  aud: clientId,
  iat: now - 5,
  exp: now + 120,
  jti: 'once',
  events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  sub: 'alice',
  sid: 'at-the-provider',
  ...others,
})

/** Signs what a token holds. */
export async function sign(
  key: KeyObject | Uint8Array,
  header: CompactJWSHeaderParameters,
  claims: unknown,
): Promise<string> {
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(key)
}

/** A provider on a socket, and how the Relying Party sees it. */
export interface ProviderOnSocket {
  readonly issuer: string
  /** What it publishes now. May be changed. */
  keys: readonly object[]
  /** Whether it answers with 503. */
  isDown: boolean
  /** What it waits for before it answers. */
  held: Promise<void> | undefined
  readonly requests: readonly string[]
  readonly events: readonly OidcEvent[]
  readonly provider: Provider
  readonly settings: LogoutTokenSettings
}

/** Starts a provider for one test. */
export async function startProvider({
  keys,
  metadata,
  idTokenAlgs,
  clock = { now: () => now },
}: {
  keys: readonly object[]
  metadata?: object
  idTokenAlgs?: readonly string[]
  clock?: LogoutTokenSettings['clock']
}): Promise<ProviderOnSocket> {
  const requests: string[] = []
  const events: OidcEvent[] = []
  const server = http.createServer(async ({ url = '' }, response) => {
    requests.push(url)
    await op.held
    response.statusCode = op.isDown ? 503 : 200
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(url === '/jwks' ? { keys: op.keys } : describe()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const describe = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    ...metadata,
  })
  const provider = createProvider({
    issuer,
    clientId,
    clientAuth: client.None(),
    idTokenAlgs,
    hasAsymmetricIdTokens: true,
    clockTolerance: 30,
    fetch: createFetch({ timeout: 20, userAgent: 'test' }),
    clock,
    emit: (event) => void events.push(event),
  })
  const settings = { provider, clientId, trustedAudiences: [], clockTolerance: 30, clock }
  const state = { keys, isDown: false, held: undefined }
  const op: ProviderOnSocket = { ...state, issuer, requests, events, provider, settings }
  return op
}
