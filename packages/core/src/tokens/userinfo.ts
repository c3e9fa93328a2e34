/**
 * Claims from the UserInfo Endpoint.
 *
 * @see OpenID Connect Core 1.0, 5.3
 *
 * @module
 */

import * as client from 'openid-client'
import { ProviderError } from '../errors.ts'
import type { Provider } from '../provider/discovery.ts'
import { readProtocolError } from '../provider/protocol-error.ts'
import type { Claims } from '../session/session.ts'

/**
 * Fetches UserInfo. Its `sub` is checked to be the ID Token's (5.3.2); a signed response is verified.
 *
 * @throws ProviderError `ERR_USERINFO`
 * @throws TokenValidationError
 */
export async function fetchUserInfo(
  provider: Provider,
  accessToken: string,
  sub: string,
): Promise<Claims> {
  const { userinfo_endpoint } = await provider.metadata()
  if (userinfo_endpoint === undefined) {
    throw new ProviderError('ERR_USERINFO', `${provider.issuer} has no UserInfo Endpoint`)
  }
  try {
    return await client.fetchUserInfo(await provider.configuration(), accessToken, sub)
  } catch (error) {
    throw readProtocolError(error, {
      code: 'ERR_USERINFO',
      endpoint: userinfo_endpoint,
      tokenKind: 'userinfo',
    })
  }
}
