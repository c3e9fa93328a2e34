import { createPublicKey, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateCertificate, generateClientKey } from '../src/index.ts'

const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const

test.each(algorithms)('a certificate of a key for %s is signed by that key', async (alg) => {
  const { privateKeyPem } = await generateClientKey(alg)
  const certificate = new X509Certificate(
    generateCertificate(privateKeyPem, { commonName: 'my-app', days: 30 }),
  )
  expect(certificate.subject).toBe('CN=my-app')
  expect(certificate.verify(createPublicKey(privateKeyPem))).toBe(true)
  const days = (Date.parse(certificate.validTo) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(29.9)
  expect(days).toBeLessThan(30)
  expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now())
})

test('two certificates of a key differ, so that their thumbprints do', async () => {
  const { privateKeyPem } = await generateClientKey()
  expect(generateCertificate(privateKeyPem)).not.toBe(generateCertificate(privateKeyPem))
})
