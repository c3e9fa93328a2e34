/**
 * FranceConnect, version 2, of France. It has the level `eidas1` and no other; those above it are at
 * FranceConnect+, which is another platform with rules of its own.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** FranceConnect: documented with a secret; that it takes keys as well is in its published source. */
export const franceConnect: Preset = {
  name: 'france-connect',
  aliases: ['franceconnect'],
  title: 'FranceConnect',
  sources: [
    'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-technique/fs-technique-endpoints/',
    'https://docs.partenaires.franceconnect.gouv.fr/fs/fs-pilotage/fs-pilotage-differences-fc-fc-plus/',
    'https://github.com/france-connect/sources',
  ],
  issuer: {
    default: 'https://oidc.franceconnect.gouv.fr/api/v2',
    example: 'https://oidc.franceconnect.gouv.fr/api/v2',
  },
  clientAuth: ['private_key_jwt', 'client_secret_post'],
  assertion: {
    algs: ['ES256', 'RS256'],
    // Nothing is written about it: what the software below it takes, oidc-provider
    audience: ['issuer', 'token_endpoint'],
    kid: 'thumbprint',
    isClientIdRequired: true,
  },
  authorization: {
    defaults: { scope: 'openid', acr_values: 'eidas1' },
    required: ['acr_values'],
    minLengths: { state: 1, nonce: 22 },
    isPushRefused: true,
  },
  acr: { levels: ['eidas1'] },
  userInfo: 'jwt',
  registration: { forms: ['jwks_uri'], where: 'partenaires.franceconnect.gouv.fr' },
  logout: ['rp-initiated'],
}
