import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { createFileKeySource } from '../../src/keys/file-key.ts'
import { createTimedSigners } from '../../src/keys/key-settings.ts'
import { readKeyText } from '../../src/keys/key-text.ts'
import {
  catchFault,
  collectEvents,
  expectNothingOf,
  generateEc,
  generateRsa,
  readOption,
  signing,
  toJwk,
  toPem,
} from './support/keys.ts'

const folder = mkdtempSync(join(tmpdir(), 'keys-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

const settings = { defaultRsaAlg: 'RS256' } as const
const good = toPem(generateEc())
const secrets = [toPem(generateRsa()), toPem(generateEc())]
const body = (pem: string) => pem.replace(/-----[A-Z ]+-----|\n/g, '')
const jwk = toJwk(generateRsa())
const json = JSON.stringify(jwk)

const forms: readonly (readonly [name: string, text: string])[] = [
  ...secrets.flatMap((pem): [string, string][] => [
    ['a PEM without its end', pem.slice(0, -40)],
    ['a PEM without its beginning', pem.slice(40)],
    ['a PEM that is cut off', pem.slice(0, 120)],
    ['a PEM without a line of its body', pem.split('\n').toSpliced(1, 1).join('\n')],
    ['a PEM with a bad letter', pem.replace(/\n(.{20})./, '\n$1*')],
    ['a PEM under another name', pem.replaceAll('PRIVATE KEY', 'EC PARAMETERS')],
    ['a PEM under a public name', pem.replaceAll('PRIVATE', 'PUBLIC')],
    ['a PEM that is said to be a certificate', pem.replaceAll('PRIVATE KEY', 'CERTIFICATE')],
    ['a PEM that is said to be encrypted', pem.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE')],
    ['a PEM with one more', pem + pem],
    ['the body alone', body(pem)],
    ['a piece of the body', body(pem).slice(17, 77)],
    ['the body in hexadecimal digits', Buffer.from(body(pem), 'base64').toString('hex')],
    ['base64 of half a PEM', Buffer.from(pem.slice(0, 100)).toString('base64')],
  ]),
  ['JSON that is cut off', json.slice(0, -30)],
  ['JSON with a bad escape', json.replace('"d":"', '"d":"\\q')],
  ['JSON in JSON', `{"key":${json}}`],
  ['a JWK of another type', JSON.stringify({ ...jwk, kty: 'EC' })],
  ['a JWK of no type', JSON.stringify({ ...jwk, kty: jwk.d })],
  ['a JWK whose parts are exchanged', JSON.stringify({ ...jwk, p: jwk.q, d: jwk.p })],
  ['a JWK whose "kid" is a list', JSON.stringify({ ...jwk, kid: [jwk.d] })],
  ['a JWK whose "alg" is not one', JSON.stringify({ ...jwk, alg: jwk.d })],
  ['a JWK whose "nbf" is not one', JSON.stringify({ ...jwk, nbf: jwk.d })],
  ['a symmetric JWK', JSON.stringify({ kty: 'oct', k: jwk.d })],
  ['a JWK Set in another', JSON.stringify({ keys: [{ keys: [jwk] }] })],
]

/** Only the bad form is there to be found: names of JWK members are no secret. */
const expectSilence = (text: string, output: unknown) =>
  expectNothingOf(text.replaceAll(/PRIVATE|PUBLIC|ENCRYPTED|CERTIFICATE|PARAMETERS/g, ' '), output)

describe('nothing of the key is in what is said of', () => {
  test.each(forms)('%s', async (_, text) => {
    const fault = catchFault(() => createTimedSigners(readKeyText(text, signing), settings))
    expect(fault.code).toBe('ERR_KEY_UNAVAILABLE')
    expectSilence(text, fault)
    vi.stubEnv('TEST_KEY', text)
    const options = [text, `env:${text}`, `file:${text}`, `env:TEST_KEY`, `${text}?alg=RS256`]
    for (const option of options) {
      const { issues } = await readOption([option, { key: option, kid: 'k' }])
      expect(issues).toHaveLength(2)
      expectSilence(text, issues)
    }
  })

  test.each(forms)('%s in a file that is read again', async (_, text) => {
    const path = join(folder, 'key.pem')
    writeFileSync(path, good)
    const { events, emit } = collectEvents()
    const source = createFileKeySource(path, signing, { emit })
    writeFileSync(path, text)
    expect(await source.keys()).toHaveLength(1)
    expect(events).toMatchObject([{ type: 'key.reload_failed' }])
    expectSilence(text, events)
  })
})

test('the search for what gets out finds what gets out', () => {
  const error = new Error('x', { cause: new Error(`bad key ${body(good).slice(5, 20)}`) })
  expect(() => expectSilence(good, error)).toThrow()
})
