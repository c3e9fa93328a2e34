/**
 * The Curity Identity Server. Which algorithms it takes is a list in its configuration.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Curity: what its reference of the configuration says, which is little. */
export const curity: Preset = {
  name: 'curity',
  title: 'Curity Identity Server',
  sources: [
    'https://curity.io/docs/identity-server/configuration-reference/profiles/profile/settings/authorization-server/client-authentication/using-jwt',
    'https://curity.io/docs/identity-server/configuration-reference/profiles/profile/settings/authorization-server/client-authentication/asymmetrically-signed-jwt',
  ],
  issuer: { example: 'https://{host}/oauth/v2/oauth-anonymous' },
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
    // Its reference names none: these are all that the specifications know. RFC 7523bis, 4
    audience: ['issuer', 'token_endpoint', 'called_endpoint'],
    kid: 'thumbprint',
    clockTolerance: 10,
  },
  registration: {
    forms: ['jwks_uri', 'jwks', 'pem'],
    where: 'the client in the token service profile > client authentication',
  },
}
