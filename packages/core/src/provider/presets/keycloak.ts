/**
 * Keycloak, 26.2 and later; 26.0 and 26.1 have the limit of 60 seconds as well.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Keycloak: 60 seconds at most unless the client is set otherwise, and a `jti` once. */
export const keycloak: Preset = {
  name: 'keycloak',
  title: 'Keycloak',
  sources: [
    'https://www.keycloak.org/docs/latest/server_admin/#_client-credentials',
    'https://www.keycloak.org/docs/latest/upgrading/#jwt-client-authentication-aligned-with-the-latest-oidc-specification',
    'https://github.com/keycloak/keycloak/issues/38576',
  ],
  issuer: { example: 'https://{host}/realms/{realm}' },
  clientAuth: [
    'private_key_jwt',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'none',
  ],
  assertion: {
    algs: [
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
    ],
    audience: ['issuer', 'token_endpoint', 'called_endpoint'],
    // A key imported as a certificate gets a name of Keycloak's own: then the option says `false`
    kid: 'thumbprint',
    maxLifetime: 60,
    clockTolerance: 15,
    required: ['jti'],
    isJtiSingleUse: true,
  },
  registration: {
    forms: ['jwks_uri', 'jwks', 'certificate'],
    where: 'Clients > {client} > Keys > Use JWKS URL',
  },
  logout: ['rp-initiated', 'back-channel', 'front-channel'],
}
