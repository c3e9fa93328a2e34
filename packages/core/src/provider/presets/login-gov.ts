/**
 * Login.gov, of the United States. The sandbox has the issuer `https://idp.int.identitysandbox.gov/`.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Login.gov: RS256, a service level that is asked for and checked, and one `prompt`. */
export const loginGov: Preset = {
  name: 'login-gov',
  aliases: ['logingov'],
  title: 'Login.gov',
  sources: [
    'https://developers.login.gov/oidc/token/',
    'https://developers.login.gov/oidc/authorization/',
    'https://developers.login.gov/oidc/getting-started',
  ],
  issuer: { default: 'https://secure.login.gov/', example: 'https://secure.login.gov/' },
  clientAuth: ['private_key_jwt', 'none'],
  assertion: {
    algs: ['RS256'],
    audience: ['token_endpoint'],
    // What is uploaded is a certificate, which has no name
    kid: false,
    required: ['jti'],
  },
  authorization: {
    // "profile" is for identities that were verified
    defaults: { scope: 'openid email', prompt: 'select_account' },
    required: ['acr_values'],
    prompts: ['select_account'],
    minLengths: { state: 22, nonce: 22 },
  },
  acr: {},
  registration: { forms: ['certificate'], where: 'Partner Portal > {app}' },
  logout: ['rp-initiated'],
}
