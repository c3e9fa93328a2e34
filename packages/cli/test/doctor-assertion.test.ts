import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { generateClientKey } from '@countersign/testing'
import { expect, test } from 'vitest'
import { generateCertificate } from '../src/certificate.ts'
import { examineAssertion } from '../src/doctor/assertion.ts'
import { takeApart } from './support/doctor.ts'

test('a certificate is told by the thumbprint that is sent, and the one that dashboards show', async () => {
  const { privateKeyPem } = await generateClientKey('PS256')
  const pem = generateCertificate({
    privateKey: createPrivateKey(privateKeyPem),
    name: 'app',
    days: 1,
    now: Date.now() / 1000,
  }).pem
  const { raw, fingerprint } = new X509Certificate(pem)
  const sent = createHash('sha256').update(raw).digest('base64url')
  const examination = takeApart({
    OIDC_PROVIDER: 'entra',
    OIDC_ISSUER: 'https://login.microsoftonline.com/00000000-0000-4000-8000-000000000000/v2.0',
    OIDC_CLIENT_KEY: privateKeyPem,
    OIDC_CLIENT_CERT: pem,
  })
  const inspection = {
    ...examination.inspection,
    buildAssertion: async () => ({
      jws: '',
      header: { alg: 'PS256', 'x5t#S256': sent },
      claims: {},
      endpoint: '',
    }),
    findBrokenRules: async () => [],
  }
  const { seen } = await examineAssertion({ ...examination, inspection })
  expect(seen).toBe(
    'aud is the token endpoint, no kid, for 60 s; the certificate is ' +
      `${fingerprint.replaceAll(':', '')} (SHA-1, as dashboards show it), sent as x5t#S256 ${sent}`,
  )
})
