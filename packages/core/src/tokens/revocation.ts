/**
 * Revoking tokens that nobody will use again. Best effort: a logout does not depend on it.
 *
 * @see RFC 7009, 2
 *
 * @module
 */

import * as client from 'openid-client'
import { buildEventError, type Emit } from '../events.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { KeptTokens } from '../session/session.ts'

/** Revokes the refresh token, else the access token. Never throws. */
export async function revokeTokens(
  provider: Provider,
  { refreshToken, accessToken }: KeptTokens,
  emit: Emit,
): Promise<void> {
  const kind = refreshToken === undefined ? 'access_token' : 'refresh_token'
  const token = refreshToken ?? accessToken
  const endpoint = provider.known()?.revocation_endpoint
  if (token === undefined || endpoint === undefined) return
  try {
    const configuration = await provider.configuration()
    await client.tokenRevocation(configuration, token, { token_type_hint: kind })
    emit({ type: 'token.revoked', kind })
  } catch (error) {
    const failure = readProtocolError(error, { code: 'ERR_PROVIDER_RESPONSE', endpoint })
    emit({ type: 'token.revocation_failed', error: buildEventError(failure) })
  }
}
