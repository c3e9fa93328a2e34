/**
 * FranceConnect+, of France: the levels `eidas2` and `eidas3`, at a platform apart from FranceConnect.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** FranceConnect+: ES256 alone, and ID Tokens encrypted for a key of the client's. */
export const franceConnectPlus: Preset = {
  name: 'france-connect-plus',
  aliases: ['franceconnect-plus'],
  title: 'FranceConnect+',
  sources: [
    'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-endpoints/',
    'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-oidc-fc-plus/',
    'https://github.com/france-connect/sources',
  ],
  issuer: {
    default: 'https://auth.franceconnect.gouv.fr/api/v2',
    example: 'https://auth.franceconnect.gouv.fr/api/v2',
  },
  clientAuth: ['private_key_jwt', 'client_secret_post'],
  assertion: {
    algs: ['ES256'],
    // Nothing is written about it: what the software below it takes, oidc-provider
    audience: ['issuer', 'token_endpoint'],
    kid: 'thumbprint',
    isClientIdRequired: true,
  },
  authorization: {
    defaults: { scope: 'openid' },
    required: ['acr_values'],
    minLengths: { state: 1, nonce: 22 },
    isPushRefused: true,
  },
  acr: { levels: ['eidas2', 'eidas3'] },
  isIdTokenEncrypted: true,
  encryption: { algs: ['ECDH-ES', 'RSA-OAEP', 'RSA-OAEP-256'], enc: 'A256GCM' },
  userInfo: 'jwt',
  idTokenAlgs: ['ES256'],
  registration: { forms: ['jwks_uri'], where: 'partenaires.franceconnect.gouv.fr' },
  logout: ['rp-initiated'],
}
