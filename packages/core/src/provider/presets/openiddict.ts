/**
 * OpenIddict, 7 and later. What is known of its rules is what its maintainer wrote to those who met them.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** OpenIddict: the explicit type (else ID2089), and the issuer as the audience (else ID2173). */
export const openiddict: Preset = {
  name: 'openiddict',
  title: 'OpenIddict',
  sources: [
    'https://github.com/openiddict/openiddict-core/issues/2539',
    'https://github.com/openiddict/openiddict-core/pull/2544',
  ],
  issuer: { example: 'https://{host}/' },
  clientAuth: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
  assertion: {
    algs: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
    audience: ['issuer'],
    typ: ['client-authentication+jwt', 'application/client-authentication+jwt'],
    kid: 'thumbprint',
  },
  registration: { forms: ['jwks'], where: 'OpenIddictApplicationDescriptor.JsonWebKeySet' },
}
