import { createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createFileKeySource } from '../../src/keys/file-key.ts'
import { buildPublicJwk, calculateThumbprint } from '../../src/keys/public-jwk.ts'
import { catchFault, collectEvents, generateEc, signing, toJwk, toPem } from './support/keys.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const key = generateEc()
const thumbprint = calculateThumbprint(buildPublicJwk(key))
const publicPem = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
const certificate = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const publicSet = JSON.stringify({ keys: [buildPublicJwk(key)] })

const write = (files: Record<string, string>) => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}
const open = () => {
  const { events, emit } = collectEvents()
  const source = createFileKeySource(folder, signing, { emit })
  const kids = async () => (await source.keys()).map(({ signer }) => signer.kid)
  return { events, kids }
}

test('in a folder what is public beside the private key is passed over', async () => {
  write({
    'cert.pem': certificate,
    'fullchain.pem': certificate + certificate,
    'jwks.json': publicSet,
    'privkey.pem': toPem(key),
    'pub.jwk': JSON.stringify(buildPublicJwk(key)),
    'pub.pem': publicPem,
    'README.txt': 'not a key',
  })
  expect(await open().kids()).toEqual([thumbprint])
})

test('in a folder what is no file is passed over, whatever its name and also behind a link', async () => {
  write({ 'key.pem': toPem(key) })
  mkdirSync(join(folder, 'old.pem'))
  symlinkSync('old.pem', join(folder, 'link.pem'))
  const { kids, events } = open()
  expect([await kids(), await kids()]).toEqual([[thumbprint], [thumbprint]])
  expect(events).toEqual([])
})

test.each<[string, Record<string, string>, string]>([
  ['with nothing', {}, 'is a folder without a key file (*.pem, *.key, *.jwk, *.jwks, *.json)'],
  [
    'with what is public only',
    { 'cert.pem': certificate, 'jwks.json': publicSet, 'pub.pem': publicPem },
    'is a folder without a private key: cert.pem is a certificate, jwks.json is a public JWK Set, ' +
      'pub.pem is a public key',
  ],
])('a folder %s is refused, and says what was seen', (_, files, message) => {
  write(files)
  expect(catchFault(open)).toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: `${folder} ${message}`,
  })
})

test('a certificate that is named as the file is refused', () => {
  write({ 'cert.pem': certificate })
  const path = join(folder, 'cert.pem')
  const settings = { defaultRsaAlg: 'RS256', emit: () => undefined } as const
  expect(catchFault(() => createFileKeySource(path, signing, settings))).toMatchObject({
    code: 'ERR_KEY_UNAVAILABLE',
    message: `${path} is a certificate, and the private key that belongs to it is needed`,
  })
})

test('in a folder a damaged private key is not passed over', () => {
  write({ 'a.pem': toPem(key), 'b.pem': toPem(key).slice(0, 80) })
  expect(catchFault(open).message).toBe(
    `${join(folder, 'b.pem')} is a PEM without its end: the "-----END PRIVATE KEY-----" is missing`,
  )
})

test('when the private key leaves the folder, the last one goes on being used', async () => {
  write({ 'cert.pem': certificate, 'key.pem': toPem(key) })
  const { kids, events } = open()
  rmSync(join(folder, 'key.pem'))
  expect(await kids()).toEqual([thumbprint])
  const message = `${folder} is a folder without a private key: cert.pem is a certificate`
  expect(events).toMatchObject([{ type: 'key.reload_failed', error: { message } }])
})

test('different keys under one "kid" in two files are refused, at the start and later', async () => {
  const named = (each = key) => JSON.stringify({ ...toJwk(each), kid: 'k' })
  write({ 'a.jwk': named() })
  const { kids, events } = open()
  write({ 'b.jwk': named(generateEc()) })
  expect(await kids()).toEqual(['k'])
  const message = 'has different keys with the "kid" "k"'
  expect(events).toMatchObject([{ type: 'key.reload_failed', error: { message } }])
  expect(catchFault(open)).toMatchObject({ code: 'ERR_KEY_UNAVAILABLE', message })
})
