/**
 * What a test may know of the requests at the token endpoint: how many there were, of which kind, and
 * which were refused.
 *
 * @module
 */

/// <reference path="./oidc-provider.d.ts" />
import type { Context } from 'oidc-provider/lib/provider.js'
import type { SeenTokenRequest } from './seen-token-request.ts'

/** Reads what oidc-provider made of a request. */
export function readTokenRequest({ oidc, body }: Context): SeenTokenRequest {
  const seen = {
    grantType: oidc?.params?.['grant_type'],
    clientId: oidc?.client?.clientId ?? oidc?.params?.['client_id'],
  }
  const { error, error_description } = body as { error?: string; error_description?: string }
  if (error === undefined) return seen
  return { ...seen, error, ...(error_description !== undefined && { refusal: error_description }) }
}
