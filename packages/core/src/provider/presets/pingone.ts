/**
 * PingOne. Not PingFederate and not PingAM, which have rules of their own.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** PingOne: RSA keys; its pages disagree about elliptic curves. */
export const pingone: Preset = {
  name: 'pingone',
  title: 'PingOne',
  sources: [
    'https://developer.pingidentity.com/pingone-api/auth/auth-config-options/create-a-private-key-jwt.html',
    'https://developer.pingidentity.com/pingone-api/workflow-library/platform-sso-and-authorization/openid-connect-oidc/client-authentication-methods/environment-configuration/private-key-jwt.html',
  ],
  issuer: { example: 'https://auth.pingone.com/{environment}/as' },
  clientAuth: [
    'private_key_jwt',
    'client_secret_basic',
    'client_secret_post',
    'client_secret_jwt',
    'none',
  ],
  assertion: {
    algs: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
    // Those of the first source, which knows no others
    recommendedAlgs: ['RS256', 'RS384', 'RS512'],
    audience: ['token_endpoint', 'issuer', 'called_endpoint'],
    kid: 'thumbprint',
    maxLifetime: 3600,
    ignored: ['iat', 'jti'],
  },
  registration: {
    forms: ['jwks_uri', 'jwks'],
    where: 'the "jwksUrl" or the "jwks" of the application',
  },
}
