/**
 * The endpoints at which a client authenticates: what is checked ahead of oidc-provider, and what is
 * noted.
 *
 * @module
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ClientEndpoint, SeenAssertion } from './client-assertion.ts'
import { findFormFault } from './client-form.ts'
import { endpointPaths } from './endpoint-paths.ts'
import { buildReplay, readBody } from './request-body.ts'
import { readTarget } from './request-path.ts'
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
  /** Told why a request is refused that is not a form with each parameter once. */
  readonly onFormFault: (endpoint: ClientEndpoint, fault: string) => void
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
  const { check, handle, onAssertion, onFormFault, onTokenRequest } = parts

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
    const { authorization, 'content-type': contentType } = req.headers
    const query = readTarget(req.url)?.query ?? new URLSearchParams()
    const fault = findFormFault({ form, query, contentType })
    if (fault !== undefined) {
      onFormFault(endpoint, fault)
      return refuse({ error: 'invalid_request', refusal: describeOnWire(fault) })
    }
    const checked = await check({ form, endpoint, authorization })
    const { seen, refusal, clientId } = checked
    if (seen !== undefined) onAssertion(seen)
    if (refusal !== undefined) return refuse({ error: 'invalid_client', refusal, clientId })
    // What was checked, and not the bytes, which could be read in another way
    const pass = () => handle(buildReplay(req, checked.form ?? form), res)
    return endpoint === 'token' ? inTurn(pass) : pass()

    function refuse({ clientId, ...why }: Pick<CheckedRequest, 'clientId'> & WireError): void {
      const grantType = form.get('grant_type') ?? undefined
      if (endpoint === 'token') onTokenRequest({ grantType, clientId, ...why })
      sendError(res, why)
    }
  }
}

/** @see RFC 6749, 5.2 */
interface WireError {
  readonly error: 'invalid_client' | 'invalid_request'
  readonly refusal: string
}

function sendError(res: ServerResponse, { error, refusal: error_description }: WireError): void {
  res.statusCode = error === 'invalid_client' ? 401 : 400
  res.setHeader('content-type', 'application/json; charset=utf-8')
  res.setHeader('cache-control', 'no-store')
  res.end(JSON.stringify({ error, error_description }))
}

/** Keeps a message within the characters of an `error_description`. @see RFC 6749, 5.2 */
export function describeOnWire(message: string): string {
  return message.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
