/**
 * Duende IdentityServer, 7.2.1 and later: with strict audience validation, and without.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Duende IdentityServer: the explicit type, which has it check the audience strictly. */
export const duende: Preset = {
  name: 'duende',
  title: 'Duende IdentityServer',
  sources: [
    'https://docs.duendesoftware.com/identityserver/tokens/client-authentication',
    'https://docs.duendesoftware.com/identityserver/reference/options',
  ],
  issuer: { example: 'https://{host}' },
  clientAuth: ['private_key_jwt', 'client_secret_basic', 'client_secret_post', 'none'],
  assertion: {
    algs: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'],
    // The second of each will do unless StrictClientAssertionAudienceValidation is on
    audience: ['issuer', 'token_endpoint'],
    typ: ['client-authentication+jwt', 'JWT'],
    isTypOptional: true,
    kid: 'thumbprint',
  },
  registration: {
    forms: ['jwks', 'certificate'],
    where: 'Client.ClientSecrets, of the type JsonWebKey or X509CertificateBase64',
    takesOneJwk: true,
  },
  logout: ['rp-initiated', 'back-channel', 'front-channel'],
}
