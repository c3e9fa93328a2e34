import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createCertificates } from '../../src/keys/certificate.ts'
import type { NamedKey, PublicJwk } from '../../src/keys/signer.ts'
import { brief, one, renewed, two } from './support/certificates.ts'
import { catchFault } from './support/keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const today = Date.parse('2027-01-01T00:00:00Z') / 1000
const clock = { now: () => today }

function keyOf(pem: string, kid = 'login'): NamedKey {
  const publicJwk = new X509Certificate(pem).publicKey.export({ format: 'jwk' }) as PublicJwk
  return { kid, publicJwk }
}

function digest(pem: string, algorithm: 'sha1' | 'sha256'): string {
  return createHash(algorithm).update(new X509Certificate(pem).raw).digest('base64url')
}

describe('the header parameter', () => {
  const certificates = createCertificates([two, one], clock)

  test.each([
    ['x5t#S256', digest(one, 'sha256')],
    ['x5t', digest(one, 'sha1')],
    ['x5c', [new X509Certificate(one).raw.toString('base64')]],
  ] as const)('"%s" is of the certificate that has the signing key', (name, expected) => {
    expect(certificates.buildHeader(keyOf(one), name)).toEqual({ [name]: expected })
  })

  test('is base64url of the bytes, not of what tools show in hexadecimal', () => {
    const { 'x5t#S256': thumbprint } = certificates.buildHeader(keyOf(two), 'x5t#S256')
    const shown = new X509Certificate(two).fingerprint256.replaceAll(':', '')
    expect(Buffer.from(String(thumbprint), 'base64url').toString('hex').toUpperCase()).toBe(shown)
  })
})

describe('of two certificates of one key', () => {
  test.each([
    ['the one that began last is used', [one, renewed], today, renewed],
    ['whatever their order', [renewed, one], today, renewed],
    [
      'the one that has begun is used before the one that has not',
      [one, renewed],
      Date.parse(new X509Certificate(one).validFrom) / 1000,
      one,
    ],
    ['any will do when none has begun', [one], 0, one],
    ['one that is over is better than none', [one], Date.parse('2200-01-01') / 1000, one],
    [
      'one whose time it is comes before a later one that is over',
      [one, brief],
      Date.parse('2027-06-01') / 1000,
      one,
    ],
  ])('%s', (_, pems, now, expected) => {
    const certificates = createCertificates([pems.join('\n')], { now: () => now })
    const header = certificates.buildHeader(keyOf(one), 'x5t#S256')
    expect(header).toEqual({ 'x5t#S256': digest(expected, 'sha256') })
  })
})

describe('where certificates are', () => {
  const path = join(folder, 'client.crt')
  writeFileSync(path, one)

  test.each([
    ['a path', () => `file:${path}`],
    ['a file URL', () => `file://${path}`],
    ['one line with \\n', () => one.replaceAll('\n', '\\n')],
  ])('%s', (_, place) => {
    const header = createCertificates([place()], clock).buildHeader(keyOf(one), 'x5t#S256')
    expect(header).toEqual({ 'x5t#S256': digest(one, 'sha256') })
  })

  test('a variable', () => {
    vi.stubEnv('CLIENT_CERT_OF_TEST', one.replaceAll('\n', '\\n'))
    const header = createCertificates(['env:CLIENT_CERT_OF_TEST'], clock).buildHeader(
      keyOf(one),
      'x5t',
    )
    expect(header).toEqual({ x5t: digest(one, 'sha1') })
    vi.unstubAllEnvs()
  })

  test('a file is read again for a key that is new', () => {
    const certificates = createCertificates([`file:${path}`], clock)
    writeFileSync(path, two)
    const header = certificates.buildHeader(keyOf(two), 'x5t#S256')
    expect(header).toEqual({ 'x5t#S256': digest(two, 'sha256') })
  })
})

describe('refused is', () => {
  test('a key without a certificate, with its name', () => {
    const certificates = createCertificates([two], clock)
    const { code, message } = catchFault(() =>
      certificates.buildHeader(keyOf(one, 'login-2'), 'x5t#S256'),
    )
    expect(code).toBe('ERR_KEY_UNAVAILABLE')
    expect(message).toBe(
      'there is no certificate for the key "login-2", and the provider knows keys by their ' +
        'certificates: add it to "assertion.certificate" (OIDC_CLIENT_CERT)',
    )
  })

  test.each([
    ['', 'holds no certificate: a PEM begins with -----BEGIN CERTIFICATE-----'],
    [
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      'holds no certificate: a PEM begins with -----BEGIN CERTIFICATE-----',
    ],
    [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      'holds a certificate that cannot be read',
    ],
    ['file:/nowhere/client.crt', '/nowhere/client.crt cannot be read (ENOENT)'],
    ['env:NOT_SET_AT_ALL', 'names the variable NOT_SET_AT_ALL, which is not set'],
  ])('%j', (place, expected) => {
    const { code, message } = catchFault(() => createCertificates([place], clock))
    expect([code, message]).toEqual(['ERR_KEY_UNAVAILABLE', expected])
  })
})
