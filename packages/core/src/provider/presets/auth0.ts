/**
 * Auth0. `private_key_jwt` comes with its Enterprise plan, for regular web applications.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Auth0: the issuer with its slash as the audience, and no `kid` but the one that Auth0 has made up. */
export const auth0: Preset = {
  name: 'auth0',
  title: 'Auth0',
  sources: [
    'https://auth0.com/docs/get-started/authentication-and-authorization-flow/authenticate-with-private-key-jwt',
    'https://auth0.com/docs/get-started/applications/configure-private-key-jwt',
    'https://auth0.com/docs/get-started/applications/credentials',
  ],
  issuer: { example: 'https://{tenant}.auth0.com/' },
  clientAuth: ['private_key_jwt', 'client_secret_post', 'client_secret_basic'],
  assertion: {
    algs: ['RS256', 'RS384', 'PS256'],
    recommendedAlgs: ['RS256'],
    audience: ['issuer'],
    // It names keys itself, and a thumbprint is not among its names
    kid: 'explicit',
    maxLifetime: 300,
    required: ['jti'],
    isJtiSingleUse: true,
  },
  registration: {
    forms: ['pem', 'certificate'],
    where:
      'Applications > {application} > Credentials > Available Credentials > Add New Credential',
    limit: 2,
  },
  logout: ['rp-initiated', 'back-channel'],
}
