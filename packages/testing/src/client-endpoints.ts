/**
 * The endpoints at which a client authenticates: what is checked ahead of oidc-provider, and what is
 * noted.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientEndpoint, SeenAssertion } from './client-assertion.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { buildReplay, readBody } from './request-body.ts'
import type { SeenTokenRequest } from './seen-token-request.ts'

/** A request at one of these endpoints. */
export interface ClientRequest {
  readonly form: URLSearchParams
  readonly endpoint: ClientEndpoint
  /** The header. */
  readonly authorization: string | undefined
}

/** What a check found. */
export interface CheckedRequest {
  /** The client assertion, where there was one. */
  readonly seen?: SeenAssertion | undefined
  /** Why the client is refused, where it is: within the characters of an `error_description`. */
  readonly refusal?: string | undefined
  /** The client that is refused. */
  readonly clientId?: string | undefined
  /** What oidc-provider is given in place of the form that was sent. */
  readonly form?: URLSearchParams | undefined
}

/** Decides on the Client Authentication of one request. */
export type ClientCheck = (request: ClientRequest) => Promise<CheckedRequest>

/** What these endpoints need of the provider. */
export interface ClientEndpointParts {
  readonly check: ClientCheck
  readonly handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  readonly onAssertion: (assertion: SeenAssertion) => void
  /** Told of the token requests that do not get as far as oidc-provider. */
  readonly onTokenRequest: (request: SeenTokenRequest) => void
}

const endpoints = new Map<string, ClientEndpoint>([
  [endpointPaths.token, 'token'],
  [endpointPaths.pushed_authorization_request, 'pushed_authorization_request'],
  [endpointPaths.revocation, 'revocation'],
  [endpointPaths.introspection, 'introspection'],
])

/** Finds the endpoint of a path at which clients authenticate. */
export function findClientEndpoint(pathname: string): ClientEndpoint | undefined {
  return endpoints.get(pathname)
}

/** Creates the handler of a POST at these endpoints. */
export function createClientEndpoints(
  parts: ClientEndpointParts,
): (req: IncomingMessage, res: ServerResponse, endpoint: ClientEndpoint) => Promise<void> {
  const { check, handle, onAssertion, onTokenRequest } = parts

  // One after the other: two that present the same refresh token at once could both find it unused
  let lastTurn: Promise<void> = Promise.resolve()
  function inTurn(answer: () => Promise<void>): Promise<void> {
    const turn = lastTurn.then(answer)
    lastTurn = turn.catch(() => {})
    return turn
  }

  return async function answer(req, res, endpoint) {
    const body = await readBody(req)
    const form = new URLSearchParams(body.toString())
    const { authorization } = req.headers
    const {
      seen,
      refusal,
      clientId,
      form: replaced,
    } = await check({ form, endpoint, authorization })
    if (seen !== undefined) onAssertion(seen)
    if (refusal === undefined) {
      const pass = () => handle(buildReplay(req, replaced ?? body), res)
      return endpoint === 'token' ? inTurn(pass) : pass()
    }
    if (endpoint === 'token') {
      const grantType = form.get('grant_type') ?? undefined
      onTokenRequest({ grantType, clientId, error: 'invalid_client', refusal })
    }
    return sendInvalidClient(res, refusal)
  }
}

function sendInvalidClient(res: ServerResponse, error_description: string): void {
  res.statusCode = 401
  res.setHeader('content-type', 'application/json; charset=utf-8')
  res.setHeader('cache-control', 'no-store')
  res.end(JSON.stringify({ error: 'invalid_client', error_description }))
}
