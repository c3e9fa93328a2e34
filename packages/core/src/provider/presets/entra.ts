/**
 * Microsoft Entra ID, one tenant of it. What is registered is a certificate, not a key.
 *
 * @module
 */

import type { Preset } from '../preset.ts'

/** Microsoft Entra ID: PS256, with the SHA-256 thumbprint of the certificate in place of a `kid`. */
export const entra: Preset = {
  name: 'entra',
  aliases: ['azure-ad'],
  title: 'Microsoft Entra ID',
  sources: [
    'https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials',
    'https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc',
  ],
  issuer: {
    example: 'https://login.microsoftonline.com/{tenant}/v2.0',
    refused: {
      pattern:
        '^https://login\\.(microsoftonline\\.(com|us)|partner\\.microsoftonline\\.cn)/' +
        '(common|organizations|consumers)(/|$)',
      // Discovery, 4.3: the issuer of the metadata is identical to the one they were asked of
      reason:
        'is not one tenant: the issuer in its metadata is a template, or that of another tenant. ' +
        'Give the id of a tenant in its place',
    },
  },
  clientAuth: ['private_key_jwt', 'client_secret_post', 'client_secret_basic'],
  assertion: {
    algs: ['PS256'],
    // A list is refused: AADSTS50027
    audience: ['token_endpoint'],
    typ: ['JWT'],
    kid: false,
    certificate: 'x5t#S256',
    required: ['iat', 'nbf', 'jti'],
  },
  registration: {
    forms: ['certificate'],
    where: 'App registrations > {application} > Certificates & secrets > Certificates',
  },
  logout: ['rp-initiated', 'front-channel'],
}
