/**
 * What Microsoft Entra ID says when it refuses a client: a code for every reason.
 *
 * @module
 */

import { compareClocks, type KnownRefusal } from './known-refusal.ts'

const entraCodes = 'https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes'
const entraCertificates =
  'https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials'

/** Its codes that are about the client. */
export const entraRefusals: readonly KnownRefusal[] = [
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS50027',
    pattern: /AADSTS50027\b/,
    rule: 'certificate',
    message:
      'Entra cannot use the assertion: the header does not name a certificate, or "aud" is a list',
    fix: 'set "assertion.certificate" (OIDC_CLIENT_CERT) to the certificate that is uploaded, and send no "aud" of your own',
    source: entraCertificates,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS700027',
    pattern: /AADSTS700027\b/,
    rule: 'key',
    message:
      'the certificate that the header names is not uploaded to this application, or another key has signed',
    fix: 'upload the certificate at Certificates & secrets > Certificates, and compare its thumbprint there with the one in the text, the SHA-1 in hex ("openssl x509 -noout -fingerprint -sha1 -in client.crt" prints it); "assertion.certificate" and "clientKey" must be of one pair',
    source: entraCertificates,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS700021',
    pattern: /AADSTS700021\b/,
    rule: 'iss',
    message: 'the assertion is of another application than "client_id" says',
    fix: 'set "clientId" to the Application (client) ID, and no "iss" or "sub" of your own',
    source: entraCodes,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS700023',
    pattern: /AADSTS(?:700023|50012|5002741)\b/,
    rule: 'aud',
    message: 'Entra wants the token endpoint of this very tenant as "aud", once',
    fix: 'set "assertion.audience" to "token_endpoint", and compare the tenant in "issuer"',
    source: entraCertificates,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS700024',
    pattern: /AADSTS700024\b/,
    rule: 'clock',
    message: 'the assertion is not valid yet, or not any more, by the clock of Entra',
    fix: compareClocks,
    source: entraCodes,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS700016',
    pattern: /AADSTS700016\b/,
    rule: 'client',
    message: 'there is no application of this "client_id" in this tenant',
    fix: 'compare "clientId" with the Application (client) ID, and the tenant in "issuer" with that of the application',
    source: entraCodes,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS7000215',
    pattern: /AADSTS7000215\b/,
    rule: 'secret',
    message: 'the client secret is wrong: often it is the id of the secret, and not its value',
    fix: 'make a new secret and copy its value; or use a certificate, which no request carries',
    source: entraCodes,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS7000222',
    pattern: /AADSTS7000222\b/,
    rule: 'secret',
    message: 'the client secret has expired',
    fix: 'make a new secret; or use a certificate, which no request carries',
    source: entraCodes,
  },
  {
    from: 'Microsoft Entra ID',
    text: 'AADSTS7000218',
    pattern: /AADSTS7000218\b/,
    rule: 'client',
    message: 'Entra expects a secret or an assertion of this application, and got neither',
    fix: 'set "clientKey" and "assertion.certificate", or a client secret',
    source: entraCodes,
  },
]
