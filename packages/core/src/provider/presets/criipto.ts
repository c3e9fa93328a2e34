/**
 * Criipto Verify, which is Idura Verify now: MitID, BankID, Freja and other eIDs behind one issuer.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Criipto: RSA keys, and the domain as the audience, which is the issuer. */
export const criipto: Preset = {
  name: 'criipto',
  aliases: ['idura'],
  title: 'Criipto Verify (Idura)',
  sources: [
    'https://docs.criipto.com/verify/guides/privatekey-jwt/',
    'https://docs.idura.app/verify/guides/privatekey-jwt',
  ],
  issuer: { example: 'https://{domain}.criipto.id' },
  clientAuth: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
  assertion: {
    algs: ['RS256'],
    audience: ['issuer'],
    kid: 'thumbprint',
    maxLifetime: 300,
    required: ['iat'],
  },
  authorization: { defaults: { scope: 'openid' } },
  registration: {
    forms: ['jwks_uri', 'jwks'],
    where: 'Application settings > OpenID Connect > Client JWKS',
  },
}
