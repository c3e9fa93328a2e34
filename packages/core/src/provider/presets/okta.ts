/**
 * Okta, with its own authorization server or a custom one.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Okta: assertions are for the endpoint that is called, and made before they arrive. */
export const okta: Preset = {
  name: 'okta',
  title: 'Okta',
  sources: ['https://developer.okta.com/docs/guides/build-self-signed-jwt/main'],
  issuer: { example: 'https://{yourOktaDomain}/oauth2/default' },
  clientAuth: [
    'private_key_jwt',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'none',
  ],
  assertion: {
    algs: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
    audience: ['called_endpoint'],
    // With several keys registered, an assertion without one is refused: okta-sdk-python#289
    kid: 'thumbprint',
    maxLifetime: 3600,
    // "It must be a time before the request is received"
    backdate: 10,
    isJtiSingleUse: true,
  },
  registration: {
    forms: ['jwks_uri', 'jwks'],
    where: 'Applications > {application} > General > Client Credentials > Public key / Private key',
  },
  logout: ['rp-initiated', 'front-channel'],
}
