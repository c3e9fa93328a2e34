/**
 * How the RP proves who it is: the choice of a Client Authentication method, and the one function that
 * authenticates every request to the provider: token, refresh, PAR, revocation and introspection.
 *
 * @see OpenID Connect Core 1.0, 9
 *
 * @module
 */

import * as client from 'openid-client'
import type { KeyRing } from '../keys/key-ring.ts'
import {
  type AssertionOptions,
  type AssertionSettings,
  createClientAssertion,
  findEndpoint,
  readServerAudience,
  readTyp,
} from './client-assertion.ts'
import { isSignedMethod, setAssertion, setSignedSecret } from './set-assertion.ts'

/** The provider that asks for an assertion. */
export interface AssertionContext {
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly clientId: string
}

/** Returns a ready client assertion. It is called for every request, since each needs a new one. */
export type AssertionCallback = (context: AssertionContext) => string | Promise<string>

/** A Client Authentication method with what it needs. Made by the functions of this file. */
export interface ClientSecretAuthentication {
  readonly method: 'client_secret_basic' | 'client_secret_post' | 'client_secret_jwt'
  readonly secret: string
}

/** No Client Authentication: a public client. */
export interface NoAuthentication {
  readonly method: 'none'
}

/** What the option `clientAuth` may be. */
export type ClientAuthentication =
  | 'private_key_jwt'
  | 'signed_client_secret'
  | ClientSecretAuthentication
  | NoAuthentication
  | AssertionCallback

/** The client secret in the `Authorization` header. @see RFC 6749, 2.3.1 */
export function clientSecretBasic(secret: string): ClientSecretAuthentication {
  return { method: 'client_secret_basic', secret }
}

/** The client secret in the request's form. @see RFC 6749, 2.3.1 */
export function clientSecretPost(secret: string): ClientSecretAuthentication {
  return { method: 'client_secret_post', secret }
}

/** A client assertion under the client secret (HS256). @see OpenID Connect Core 1.0, 9 */
export function clientSecretJwt(secret: string): ClientSecretAuthentication {
  return { method: 'client_secret_jwt', secret }
}

/** No Client Authentication. PKCE is all that holds a stolen code back. */
export function none(): NoAuthentication {
  return { method: 'none' }
}

/** Creates the function that authenticates every request to the provider. */
export function createClientAuthentication(
  choice: ClientAuthentication,
  assertion: Omit<AssertionSettings, 'keyRing'> & { readonly keyRing: KeyRing | undefined },
): client.ClientAuth {
  if (typeof choice === 'function') return sendAssertion(choice, assertion.options)
  if (isSignedMethod(choice)) {
    const { keyRing } = assertion
    if (!keyRing) throw new TypeError(`"${choice}" needs a key`)
    return createClientAssertion({ ...assertion, keyRing })
  }
  switch (choice.method) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(choice.secret)
    case 'client_secret_post':
      return client.ClientSecretPost(choice.secret)
    case 'client_secret_jwt':
      return createSecretAssertion(choice.secret, assertion.options)
    case 'none':
      return client.None()
  }
}

function sendAssertion(
  callback: AssertionCallback,
  { isClientSecret }: Pick<AssertionOptions, 'isClientSecret'>,
): client.ClientAuth {
  const set = isClientSecret ? setSignedSecret : setAssertion
  return async (server, { client_id }, body) => {
    const context = {
      issuer: server.issuer,
      tokenEndpoint: server.token_endpoint ?? '',
      clientId: client_id,
    }
    set(body, client_id, await callback(context))
  }
}

function createSecretAssertion(secret: string, options: AssertionOptions): client.ClientAuth {
  return (server, metadata, body, headers) => {
    const authenticate = client.ClientSecretJwt(secret, {
      [client.modifyAssertion](header, payload) {
        payload['aud'] = readServerAudience(options.audience, server, findEndpoint(server, body))
        const now = Number(payload['iat'])
        payload['iat'] = now - (options.backdate ?? 0)
        payload['exp'] = now + options.lifetime
        if (options.hasNotBefore) payload['nbf'] = payload['iat']
        else delete payload['nbf']
        Object.assign(header, options.header, readTyp(options.typ))
        Object.assign(payload, options.claims)
      },
    })
    return authenticate(server, metadata, body, headers)
  }
}
