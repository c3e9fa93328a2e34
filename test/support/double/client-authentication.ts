/**
 * Client Authentication at the double: assertions are recorded, and verified under registered keys.
 *
 * @module
 */

import { timingSafeEqual } from 'node:crypto'
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose'
import type { Endpoint } from './behaviour.ts'

/** A client of the double. */
export interface DoubleClient {
  readonly clientId: string
  /** The keys of its assertions. */
  readonly jwks?: JSONWebKeySet
  /** Where its keys are; fetched for every assertion. */
  readonly jwksUri?: string
  readonly clientSecret?: string
}

/** A client assertion that reached the double. */
export interface DoubleAssertion {
  readonly endpoint: Endpoint
  readonly header: ProtectedHeaderParameters
  readonly payload: JWTPayload
}

/** The clients of one double. */
export interface DoubleClients {
  readonly assertions: DoubleAssertion[]
  register(client: DoubleClient): void
  trustAny(): void
  has(clientId: string): boolean
  /** Answers with the client's id, or with why it is not who it says. */
  authenticate(
    request: {
      readonly endpoint: Endpoint
      readonly form: URLSearchParams
      authorization?: string
    },
    options: { readonly isChecked: boolean },
  ): Promise<{ readonly clientId: string } | { readonly fault: string }>
}

/** Creates the registry. `audiences` are what an assertion's `aud` may name. */
export function createDoubleClients(audiences: readonly string[]): DoubleClients {
  const clients = new Map<string, DoubleClient>()
  const usedIds = new Set<string>()
  const assertions: DoubleAssertion[] = []
  let trustsAny = false

  async function authenticateByAssertion(
    assertion: string,
    form: URLSearchParams,
    isChecked: boolean,
  ): Promise<{ readonly clientId: string } | { readonly fault: string }> {
    const { iss, jti } = decodeJwt(assertion)
    if (iss === undefined) return { fault: 'the client assertion has no iss' }
    if (form.has('client_id') && form.get('client_id') !== iss) {
      return { fault: 'client_id is not the iss of the client assertion' }
    }
    if (!isChecked) return { clientId: iss }
    if (jti === undefined || usedIds.has(jti)) return { fault: 'the jti is missing or was used' }
    usedIds.add(jti)
    const client = clients.get(iss)
    if (client === undefined) return trustsAny ? { clientId: iss } : { fault: 'unknown client' }
    try {
      await jwtVerify(assertion, createLocalJWKSet(await keysOf(client)), {
        issuer: iss,
        subject: iss,
        audience: [...audiences],
        requiredClaims: ['exp', 'iat', 'jti'],
      })
      return { clientId: iss }
    } catch (error) {
      return { fault: `the client assertion does not verify: ${(error as Error).message}` }
    }
  }

  function authenticateBySecret(
    clientId: string,
    secret: string | undefined,
    isChecked: boolean,
  ): { readonly clientId: string } | { readonly fault: string } {
    const client = clients.get(clientId)
    if (!isChecked || (client === undefined && trustsAny)) return { clientId }
    if (client === undefined) return { fault: 'unknown client' }
    if (client.jwks !== undefined || client.jwksUri !== undefined) {
      return { fault: 'this client authenticates with a client assertion' }
    }
    if (client.clientSecret === undefined || isEqual(client.clientSecret, secret ?? '')) {
      return { clientId }
    }
    return { fault: 'the client secret is wrong' }
  }

  return {
    assertions,
    register: (client) => void clients.set(client.clientId, client),
    trustAny() {
      trustsAny = true
    },
    has: (clientId) => trustsAny || clients.has(clientId),
    async authenticate({ endpoint, form, authorization }, { isChecked }) {
      const assertion = form.get('client_assertion')
      if (assertion !== null) {
        try {
          const header = decodeProtectedHeader(assertion)
          assertions.push({ endpoint, header, payload: decodeJwt(assertion) })
        } catch {
          return { fault: 'the client assertion is not a JWT' }
        }
        return authenticateByAssertion(assertion, form, isChecked)
      }
      if (authorization?.startsWith('Basic ')) {
        const pair = Buffer.from(authorization.slice(6), 'base64').toString().split(':')
        const [id = '', secret = ''] = pair.map(
          (part) => new URLSearchParams(`v=${part}`).get('v') ?? '',
        )
        return authenticateBySecret(id, secret, isChecked)
      }
      const clientId = form.get('client_id')
      if (clientId === null) return { fault: 'no client authentication' }
      return authenticateBySecret(clientId, form.get('client_secret') ?? undefined, isChecked)
    },
  }
}

async function keysOf(client: DoubleClient): Promise<JSONWebKeySet> {
  if (client.jwksUri === undefined) return client.jwks ?? { keys: [] }
  return (await (await fetch(client.jwksUri)).json()) as JSONWebKeySet
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
