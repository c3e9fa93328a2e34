/**
 * ID-porten, of Norway. The test environment has the issuer `https://test.idporten.no`.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** ID-porten: RSA keys by name, two minutes, and a level of assurance that the client checks. */
export const idPorten: Preset = {
  name: 'id-porten',
  aliases: ['idporten'],
  title: 'ID-porten',
  sources: [
    'https://docs.digdir.no/docs/idporten/oidc/oidc_protocol_token',
    'https://docs.digdir.no/docs/idporten/oidc/oidc_protocol_authorize.html',
    'https://docs.digdir.no/docs/idporten/oidc/oidc_protocol_id_token',
  ],
  // Without a slash, other than Maskinporten's
  issuer: { default: 'https://idporten.no', example: 'https://idporten.no' },
  clientAuth: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
  assertion: {
    algs: ['RS256', 'RS384', 'RS512'],
    audience: ['issuer', 'token_endpoint'],
    kid: 'thumbprint',
    // For a key of the client's own; an enterprise certificate goes into "x5c" instead
    kidRule: 'required',
    maxLifetime: 120,
    required: ['iat'],
    isClientIdRequired: true,
  },
  // A client for logins alone has these two scopes and no others
  authorization: {
    defaults: { scope: 'openid profile' },
    minLengths: { state: 1, nonce: 1 },
  },
  acr: { levels: ['idporten-loa-substantial', 'idporten-loa-high'] },
  registration: { forms: ['jwks'], where: 'Samarbeidsportalen > {integration}, or its API' },
  logout: ['rp-initiated', 'front-channel'],
}
