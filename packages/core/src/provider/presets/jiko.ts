/**
 * Jiko. Its documents have no issuer: set the one that its metadata has.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Jiko: a PEM and its algorithm are registered; assertions name no key. */
export const jiko: Preset = {
  name: 'jiko',
  title: 'Jiko',
  sources: [
    'https://docs.jiko.io/products/customer-api/guides/oauth/private-key-jwt',
    'https://docs.jiko.io/products/customer-api/guides/oauth/getting-started',
  ],
  issuer: { example: 'https://auth.jiko.io' },
  clientAuth: ['private_key_jwt'],
  assertion: {
    algs: ['PS256', 'EdDSA'],
    audience: ['token_endpoint'],
    typ: ['JWT'],
    // What is registered is a PEM, which has no name
    kid: false,
    kidRule: 'refused',
    maxLifetime: 300,
    required: ['iat', 'jti'],
    isJtiSingleUse: true,
    isClientIdRequired: true,
  },
  registration: { forms: ['pem'], where: 'Jiko authentication portal > Settings' },
}
