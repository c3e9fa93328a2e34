/**
 * An app that uses a key, as far as its keys go.
 *
 * @module
 */

import {
  createRelyingParty,
  type OidcResponse,
  type Options,
  type PublicJwk,
} from '@countersign/core'
import { inspect } from '@countersign/core/inspection'

/** Reads the JWK Set that an app publishes whose `clientKey` is this. */
export async function readPublished(
  clientKey: string,
): Promise<{ readonly keys: readonly PublicJwk[] }> {
  const rp = createRelyingParty(buildOptions(clientKey))
  const received = await rp.receive({
    method: 'GET',
    target: '/.well-known/jwks.json',
    header: () => undefined,
    form: () => Promise.resolve(new URLSearchParams()),
    isStarted: () => false,
    setCookie: () => {},
    send: (_response: OidcResponse) => {},
  })
  if (!received.response) throw new Error('the app has no JWK Set')
  return JSON.parse(received.response.body)
}

/** Reads the name of the key that such an app signs with now. */
export async function readSigner(clientKey: string): Promise<string> {
  const { kid } = await inspect(buildOptions(clientKey)).signer()
  return kid
}

function buildOptions(clientKey: string): Options {
  return {
    issuer: 'https://op.example',
    clientId: 'app',
    clientKey,
    baseUrl: 'https://app.example',
    session: { secret: 'a session secret for tests and nothing but tests' },
  }
}
