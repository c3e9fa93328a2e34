/**
 * Signicat eID Hub.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Signicat: RSA keys, the token endpoint as the audience, and the `kid` of the uploaded key. */
export const signicat: Preset = {
  name: 'signicat',
  title: 'Signicat eID Hub',
  sources: [
    'https://developer.signicat.com/docs/eid-hub/oidc/advanced-security/client-authentication-with-private-key-jwt/',
  ],
  issuer: { example: 'https://{domain}/auth/open' },
  clientAuth: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
  assertion: {
    algs: ['RS256'],
    audience: ['token_endpoint'],
    kid: 'thumbprint',
    kidRule: 'required',
    // Its sample's: 100 minutes
    maxLifetime: 6000,
    required: ['iat', 'jti'],
    isClientIdRequired: true,
  },
  authorization: { defaults: { scope: 'openid profile' } },
  registration: {
    forms: ['jwks', 'certificate', 'made_there'],
    where:
      'Signicat Dashboard > Products > eID Hub > OIDC clients > {client} > Advanced > Public keys',
    takesOneJwk: true,
    rsaSizes: [2048, 4096],
  },
}
