/**
 * itsme, of Belgian Mobile ID, asked directly. The test environment has the issuer
 * `https://idp.e2e.itsme.services/v2`.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** itsme: RS256 by name, a JWK Set that it fetches, and ID Tokens encrypted for a key in it. */
export const itsme: Preset = {
  name: 'itsme',
  title: 'itsme',
  sources: [
    'https://belgianmobileid.github.io/doc/authentication/',
    'https://belgianmobileid.github.io/doc/JOSE/',
  ],
  issuer: {
    default: 'https://idp.prd.itsme.services/v2',
    example: 'https://idp.prd.itsme.services/v2',
  },
  clientAuth: ['private_key_jwt', 'client_secret_post'],
  assertion: {
    algs: ['RS256'],
    audience: ['token_endpoint'],
    kid: 'thumbprint',
    kidRule: 'required',
    required: ['jti'],
  },
  // "openid service:{code}": the code is the client's own
  authorization: { required: ['scope'] },
  isIdTokenEncrypted: true,
  // RSA keys alone
  encryption: { algs: ['RSA-OAEP', 'RSA-OAEP-256'] },
  userInfo: 'encrypted_jwt',
  registration: { forms: ['jwks_uri'], where: 'itsme B2B portal > {project}' },
}
