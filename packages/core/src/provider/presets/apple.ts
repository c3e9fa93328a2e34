/**
 * Sign in with Apple. Apple makes the key and names it; the `client_secret` is a JWT signed with it.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Apple: a signed JWT as the `client_secret`, and answers in a form, which the name comes with. */
export const apple: Preset = {
  name: 'apple',
  title: 'Sign in with Apple',
  sources: [
    'https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret',
    'https://developer.apple.com/documentation/signinwithapplerestapi',
  ],
  issuer: { default: 'https://appleid.apple.com', example: 'https://appleid.apple.com' },
  clientAuth: ['signed_client_secret'],
  assertion: {
    algs: ['ES256'],
    audience: ['https://appleid.apple.com'],
    kid: 'explicit',
    kidRule: 'required',
    issuer: { name: 'Team ID', example: 'ABCDE12345' },
    // Six months. A new one is made for each request: none is kept for so long
    maxLifetime: 15_777_000,
    required: ['iat'],
    isClientIdRequired: true,
  },
  authorization: {
    // Anything but "form_post" is refused with "name" or "email"
    defaults: { scope: 'openid name email', response_mode: 'form_post' },
    responseModes: ['form_post', 'query', 'fragment'],
  },
  registration: {
    forms: ['made_there'],
    where: 'Certificates, Identifiers & Profiles > Keys',
  },
  logout: [],
}
