/**
 * Revoking tokens that nobody will use again. Best effort: a logout does not depend on it.
 *
 * @see RFC 7009, 2
 *
 * @module
 */

import * as client from 'openid-client'
import { actInTime, waitUntilAborted } from '../base/abort.ts'
import { ProviderError } from '../errors.ts'
import { buildEventError, type Emit } from '../events.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { KeptTokens } from '../session/session.ts'

type TokenKind = 'refresh_token' | 'access_token'

/**
 * Revokes the refresh token, then the access token, which a provider may or may not revoke with it
 * (RFC 7009, 2.1). Takes `timeout` seconds at most for both. Never throws.
 */
export async function revokeTokens(
  provider: Provider,
  { refreshToken, accessToken }: KeptTokens,
  { timeout, emit }: { timeout: number; emit: Emit },
): Promise<void> {
  if (refreshToken === undefined && accessToken === undefined) return

  async function revoke(kind: TokenKind, token: string | undefined): Promise<void> {
    if (token === undefined) return
    const configuration = await provider.configuration()
    await client.tokenRevocation(configuration, token, { token_type_hint: kind })
    emit({ type: 'token.revoked', kind })
  }

  try {
    await actInTime({ milliseconds: timeout * 1000 }, async (signal) => {
      // A process that has only just started may not know the provider yet
      const metadata = await waitUntilAborted(provider.metadata(), signal)
      if (metadata.revocation_endpoint === undefined) return
      try {
        await waitUntilAborted(revoke('refresh_token', refreshToken), signal)
      } finally {
        // A provider that does not revoke the one may revoke the other
        if (!signal.aborted) await waitUntilAborted(revoke('access_token', accessToken), signal)
      }
    })
  } catch (error) {
    const endpoint = provider.known()?.revocation_endpoint ?? provider.issuer
    const isLate = error instanceof DOMException && error.name === 'TimeoutError'
    const failure = isLate
      ? new ProviderError('ERR_PROVIDER_TIMEOUT', 'revoking took too long', { endpoint })
      : readProtocolError(error, { code: 'ERR_PROVIDER_RESPONSE', endpoint })
    emit({ type: 'token.revocation_failed', error: buildEventError(failure) })
  }
}
