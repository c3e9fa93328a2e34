import { generateClientKey } from '@countersign/testing'
import { describe, expect, test } from 'vitest'
import { buildFinding, type Finding } from '../src/doctor/finding.ts'
import { examineJwks } from '../src/doctor/jwks.ts'
import { findSetFaults } from '../src/doctor/jwks-faults.ts'
import { serve, takeApart, type Variables } from './support/doctor.ts'

const { privateKeyPem, publicJwk, kid } = await generateClientKey('EdDSA')
const another = await generateClientKey('EdDSA')

/** What is said of an app at Jiko, which takes no JWKS URL, and publishes these keys. */
async function examine(keys: readonly unknown[], changes: Variables = {}): Promise<Finding> {
  await using server = await serve((_request, response) => response.end(JSON.stringify({ keys })))
  const examination = takeApart({
    OIDC_PROVIDER: 'jiko',
    OIDC_CLIENT_KEY: privateKeyPem,
    OIDC_BASE_URL: server.url,
    ...changes,
  })
  const { seen, problems, ...finding } = buildFinding('jwks', await examineJwks(examination))
  const text = JSON.stringify({ seen, problems }).replaceAll(server.url, 'http://app')
  return { ...finding, ...JSON.parse(text) }
}

describe('where the provider takes no JWKS URL', () => {
  test('a private key that is published is no less broken', async () => {
    const { outcome, problems } = await examine([publicJwk, { ...another.privateJwk, kid: 'x' }])
    expect(outcome).toBe('broken')
    expect(problems).toEqual([
      {
        severity: 'broken',
        what: ['key "x" shows its d'],
        means:
          'The private key is public: whoever read it can sign in as this app, wherever it is registered.',
        fix: 'Take it down now, make a new key, and remove the old one at the provider.',
      },
    ])
  })

  test.each([
    ['not there', another.publicJwk, 'signs with another key than this one'],
    ['another one', { ...another.publicJwk, kid }, 'signs with another key than this one'],
    ['by another name', { ...publicJwk, kid: 'x' }, 'has another name for its key than this one'],
  ])('a key that signs and is %s says that another app was examined', async (_, key, does) => {
    const { outcome, problems } = await examine([key])
    expect(outcome).toBe('broken')
    expect(problems.map(({ means }) => means)).toEqual([
      `The app that runs at http://app ${does}: its logins are not what was examined here.`,
    ])
  })

  test('a key for encryption that is not there says so, too', async () => {
    const { privateKeyPem } = await generateClientKey('RS256')
    const changes = { OIDC_CLIENT_ENCRYPTION_KEY: privateKeyPem }
    const { outcome, problems } = await examine([publicJwk], changes)
    expect(outcome).toBe('broken')
    expect(problems.map(({ means }) => means)).toEqual([
      'The app that runs at http://app decrypts with another key than this one: its logins are not what was examined here.',
    ])
  })

  test('what only readers of the set mind is a warning', async () => {
    const { outcome, problems } = await examine([publicJwk, null])
    expect(outcome).toBe('warning')
    expect(problems.map(({ means }) => means)).toEqual([
      'Jiko takes no JWKS URL, so that logins work nevertheless.',
    ])
  })

  test('why the set cannot be read is said as it is', async () => {
    await using server = await serve((request) => request.socket.destroy())
    const { outcome, seen } = await examine([], { OIDC_BASE_URL: server.url })
    expect(outcome).toBe('skipped')
    expect(seen).toBe(
      `Jiko takes no JWKS URL, and ${server.url}/.well-known/jwks.json cannot be read: ` +
        'the connection was closed without an answer',
    )
  })
})

test.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('a key may not show its %s', (name) => {
  const ours = { signer: undefined, published: undefined }
  const [fault] = findSetFaults([{ kid: 'x', [name]: 'AQAB' }], ours)
  expect(fault?.problem.what).toEqual([`key "x" shows its ${name}`])
  expect(fault?.problem.severity).toBe('broken')
})
