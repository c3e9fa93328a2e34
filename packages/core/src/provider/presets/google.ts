/**
 * Google. Its metadata have secrets and no other way for a client to authenticate.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Google: a client secret. It reads no key of the client's. */
export const google: Preset = {
  name: 'google',
  title: 'Google',
  sources: [
    'https://developers.google.com/identity/openid-connect/openid-connect',
    'https://developers.google.com/identity/openid-connect/reference',
  ],
  issuer: { default: 'https://accounts.google.com', example: 'https://accounts.google.com' },
  clientAuth: ['client_secret_post', 'client_secret_basic'],
  registration: { forms: [], where: 'Google Cloud console > Clients' },
  logout: [],
}
