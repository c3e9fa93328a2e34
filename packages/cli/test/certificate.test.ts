import { createPublicKey, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createPlace, makeStable, noon } from './support/run.ts'

test.each(['RS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'])(
  'a certificate of a key for %s is whole, and names the app',
  async (alg) => {
    const { run, path } = createPlace()
    const env = { OIDC_CLIENT_ID: 'my, app=ø' }
    const line = `keygen --alg ${alg} --out key.pem --certificate --json`
    const { certificate } = JSON.parse((await run(line, { env })).stdout)
    const x509 = new X509Certificate(readFileSync(path('key.crt')))
    const publicKey = createPublicKey(readFileSync(path('key.pem')))
    expect(x509.verify(publicKey)).toBe(true)
    expect(x509.publicKey.equals(publicKey)).toBe(true)
    expect(x509.subject).toBe('CN=my\\, app=ø')
    expect(x509.issuer).toBe(x509.subject)
    expect(x509.ca).toBe(false)
    expect(Date.parse(x509.validFrom) / 1000).toBe(noon - 300)
    expect(Date.parse(x509.validTo) / 1000).toBe(noon + 365 * 86_400)
    expect(certificate).toEqual({
      path: 'key.crt',
      pem: x509.toString(),
      'x5t#S256': Buffer.from(x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
      sha1: x509.fingerprint.replaceAll(':', ''),
      notAfter: noon + 365 * 86_400,
    })
    expect(statSync(path('key.crt')).mode & 0o777).toBe(0o644)
  },
)

test('no two certificates have the same serial number', async () => {
  const { run, path } = createPlace()
  const serials = new Set<string>()
  for (let index = 0; index < 20; index += 1) {
    await run('keygen --certificate --force')
    const { serialNumber } = new X509Certificate(readFileSync(path('client-key.crt')))
    expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
    serials.add(serialNumber)
  }
  expect(serials.size).toBe(20)
})

test('a certificate has the name, the time and the place that are given', async () => {
  const place = createPlace()
  const line = 'keygen --certificate-out public.crt --name billing --days 30'
  const { stdout } = await place.run(line)
  const x509 = new X509Certificate(readFileSync(place.path('public.crt')))
  expect(x509.subject).toBe('CN=billing')
  expect(Date.parse(x509.validTo) / 1000).toBe(noon + 30 * 86_400)
  expect(makeStable(stdout, place)).toContain(
    [
      'Certificate',
      'In public.crt, until 2026-07-01 12:00:00 UTC',
      'Thumbprint (SHA-1, as dashboards show it): <SHA-1>',
      'x5t#S256: <SHA-256>',
      'Where assertions must name it: OIDC_CLIENT_CERT=file:./public.crt',
    ].join('\n'),
  )
})

test('a name that does not fit into a certificate is refused, and nothing is written', async () => {
  const { run, cwd } = createPlace()
  expect(await run('keygen --certificate', { env: { OIDC_CLIENT_ID: 'x'.repeat(65) } })).toEqual({
    exitCode: 2,
    stdout: '',
    stderr:
      'countersign: the name of a certificate has at most 64 characters, and this one has 65: ' +
      'choose one with --name\n',
  })
  expect(readdirSync(cwd)).toEqual([])
})

test('a provider that knows keys by certificates gets one without being asked', async () => {
  const { run, path } = createPlace()
  const { environment } = JSON.parse((await run('keygen --provider entra --json')).stdout)
  expect(environment).toEqual({
    OIDC_PROVIDER: 'entra',
    OIDC_CLIENT_KEY: 'file:./client-key.pem',
    OIDC_CLIENT_CERT: 'file:./client-key.crt',
  })
  const x509 = new X509Certificate(readFileSync(path('client-key.crt')))
  expect(x509.verify(createPublicKey(readFileSync(path('client-key.pem'))))).toBe(true)
})

test('the next key of a set has a certificate where the provider wants one', async () => {
  const { run, path, cwd } = createPlace()
  await run('keygen --provider entra --set keys.json')
  expect((await run('keys rotate keys.json --provider entra')).stderr).toMatch(
    /^countersign: .* takes keys as certificates: say where that of the new key goes, with --certificate-out\n$/,
  )
  expect(
    await run('keys rotate keys.json --provider entra --certificate-out next.crt'),
  ).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('add it to OIDC_CLIENT_CERT (file:./next.crt)'),
  })
  const { keys } = JSON.parse(readFileSync(path('keys.json'), 'utf8'))
  const next = createPublicKey({ key: keys[1], format: 'jwk' })
  expect(new X509Certificate(readFileSync(path('next.crt'))).publicKey.equals(next)).toBe(true)
  // One that cannot take place leaves no certificate behind
  expect((await run('keys rotate keys.json --certificate-out third.crt')).exitCode).toBe(2)
  expect(readdirSync(cwd).sort()).toEqual(['keys.crt', 'keys.json', 'next.crt'])
})
