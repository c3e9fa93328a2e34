import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { presets } from '@countersign/core'
import { expect, test } from 'vitest'
import { type ProviderClient, startProvider } from '../src/index.ts'
import { findWrongRsaSize } from '../src/rsa-sizes.ts'
import { redirectUri } from './app.ts'
import { certify } from './certify.ts'
import { startEmulated } from './emulated.ts'

const privateKey = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey
const publicKey = createPublicKey(privateKey)
const weak = publicKey.export({ format: 'jwk' })

function encodeNumber(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

/** A public key of so many bits that nobody has the other half of. */
const buildJwk = (bits: number) => ({
  kty: 'RSA',
  e: 'AQAB',
  n: encodeNumber(1n << BigInt(bits - 1)),
})

test.each<[string, string | undefined, Partial<ProviderClient>]>([
  ['jwks', undefined, { jwks: { keys: [weak] } }],
  ['publicKey', undefined, { publicKey }],
  ['certificate', undefined, { certificate: certify(privateKey) }],
  ['jwks', 'criipto', { jwks: { keys: [weak] } }],
  ['publicKey', 'govuk-one-login', { publicKey }],
  ['certificate', 'login-gov', { certificate: certify(privateKey) }],
])('"%s" with an RSA key of 1024 bits is a TypeError: %s', async (way, preset, client) => {
  const clients = [{ clientId: 'app', redirectUris: [redirectUri], ...client }]
  await expect(startProvider({ ...(preset && { preset }), clients })).rejects.toThrow(
    new TypeError(`"${way}" has an RSA key of 1024 bits, and 2048 is the least (RFC 7518, 3.3)`),
  )
})

test('Signicat takes RSA keys of two sizes, and no other', async () => {
  const start = async (bits: number) => {
    const client = { clientId: 'app', redirectUris: [redirectUri] }
    const clients = [{ ...client, jwks: { keys: [buildJwk(bits)] } }]
    await (await startProvider({ preset: 'signicat', clients })).close()
  }
  await start(2048)
  await start(4096)
  await expect(start(3072)).rejects.toThrow(
    new TypeError(
      'Signicat eID Hub takes RSA keys of 2048 or 4096 bits, and there is one of 3072 ' +
        `(${presets.signicat.sources[0]})`,
    ),
  )
})

test('a published key of 1024 bits is named as what is wrong', async () => {
  const server = createServer((_req, res) => res.end(JSON.stringify({ keys: [weak] })))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const jwksUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const { provider, send } = await startEmulated(presets.criipto, { jwksUri })
  try {
    expect((await send('token')).status).toBe(401)
    expect(provider.refusals.at(-1)?.message).toContain(
      `${jwksUri} has an RSA key of 1024 bits, and 2048 is the least (RFC 7518, 3.3)`,
    )
  } finally {
    server.close()
    await provider.close()
  }
})

test.each([2047, 2048, 2049, 3072])('the size of a key is counted in bits: %i', (bits) => {
  expect(findWrongRsaSize([{ kty: 'EC' }, buildJwk(bits)], (size) => size !== bits)).toBe(bits)
  expect(findWrongRsaSize([buildJwk(bits)], () => true)).toBeUndefined()
})
