import { createHash } from 'node:crypto'
import { CompactSign } from 'jose'
import { describe, expect, test } from 'vitest'
import { TokenValidationError } from '../../src/errors.ts'
import {
  checkIdToken,
  findUnmet,
  type IdTokenExpectations,
  verifySecretSignature,
} from '../../src/login/id-token.ts'
import type { Claims, IdTokenClaims } from '../../src/session/session.ts'
import { catchFault } from '../keys/support/keys.ts'
import { buildSession, start } from '../support/session.ts'

const accessToken = 'an access token'

function check(
  claims: Claims,
  { alg = 'RS256', ...expected }: Partial<IdTokenExpectations> & { readonly alg?: string } = {},
): void {
  const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
  const all: IdTokenClaims = { ...buildSession().claims, ...claims }
  checkIdToken(`${header}.e30.x`, all, {
    clientId: 'app',
    trustedAudiences: [],
    accessToken,
    stepUp: undefined,
    now: start,
    clockTolerance: 30,
    ...expected,
  })
}

function refuse(...given: Parameters<typeof check>): readonly unknown[] {
  const error = catchFault(() => check(...given))
  if (!(error instanceof TokenValidationError)) return expect.unreachable(String(error))
  expect(error.tokenKind).toBe('id_token')
  return [error.code, error.claim, error.reason, error.message]
}

describe('at_hash', () => {
  const hash = (digest: string) => {
    const bytes = createHash(digest).update(accessToken).digest()
    return bytes.subarray(0, bytes.length / 2).toString('base64url')
  }
  const table = [
    ['RS256', 'sha256'],
    ['RS384', 'sha384'],
    ['RS512', 'sha512'],
    ['PS256', 'sha256'],
    ['PS512', 'sha512'],
    ['ES256', 'sha256'],
    ['ES384', 'sha384'],
    ['ES512', 'sha512'],
    ['EdDSA', 'sha512'],
    ['HS256', 'sha256'],
  ] as const

  test.each(table)('of an ID Token under %s is made with %s', (alg, digest) => {
    const other = digest === 'sha256' ? 'sha512' : 'sha256'
    expect(() => check({ at_hash: hash(digest) }, { alg })).not.toThrow()
    expect(() => check({ at_hash: hash(other) }, { alg })).toThrow('"at_hash" does not belong')
  })

  // readDigest() takes "519" for the length of a digest
  test('of an ID Token under Ed25519 is made with sha512', () => {
    check({ at_hash: hash('sha512') }, { alg: 'Ed25519' })
  })

  test('of another access token is refused', () => {
    expect(refuse({ at_hash: hash('sha256') }, { accessToken: 'another one' })).toEqual([
      'ERR_ID_TOKEN_CLAIM',
      'at_hash',
      'mismatch',
      '"at_hash" does not belong to the access token',
    ])
  })

  test('may be left out, and is not taken for left out where it is empty', () => {
    expect(() => check({})).not.toThrow()
    expect(refuse({ at_hash: '' })[1]).toBe('at_hash')
    expect(refuse({ at_hash: null })[1]).toBe('at_hash')
  })
})

describe('an audience', () => {
  const refusal = ['ERR_ID_TOKEN_CLAIM', 'aud', 'mismatch', '"aud" names another audience, "other"']

  test('besides this client is refused, unless it is trusted', () => {
    expect(refuse({ aud: ['app', 'other'] })).toEqual(refusal)
    expect(() => check({ aud: ['app', 'other'] }, { trustedAudiences: ['other'] })).not.toThrow()
    expect(refuse({ aud: 'other' })).toEqual(refusal)
  })

  test('that is this client alone may be a string or a list', () => {
    expect(() => check({ aud: 'app' })).not.toThrow()
    expect(() => check({ aud: ['app'] })).not.toThrow()
  })

  test('is not the authorized party: "azp" must be this client where it is there', () => {
    expect(() => check({ azp: 'app' })).not.toThrow()
    expect(refuse({ azp: 'other' })).toEqual([
      'ERR_ID_TOKEN_CLAIM',
      'azp',
      'mismatch',
      '"azp" is not this client',
    ])
  })
})

test('an ID Token from the future is refused, beyond the tolerance', () => {
  expect(() => check({ iat: start + 30 })).not.toThrow()
  expect(refuse({ iat: start + 31 })).toEqual([
    'ERR_ID_TOKEN_CLAIM',
    'iat',
    'invalid',
    '"iat" is 31 s in the future: compare the two clocks',
  ])
})

test('an empty subject is refused', () => {
  expect(refuse({ sub: '' })).toEqual(['ERR_ID_TOKEN_CLAIM', 'sub', 'invalid', '"sub" is empty'])
})

describe('a step-up', () => {
  const lead = 'the provider signed the End-User in, but not as strongly as was asked:'

  test('is met by one of the acr values, and by all of the amr values', () => {
    const stepUp = { acr: ['strong', 'stronger'], amr: ['pwd', 'otp'] }
    const claims = { acr: 'stronger', amr: ['otp', 'pwd', 'mfa'] }
    expect(() => check(claims, { stepUp })).not.toThrow()
  })

  test.each<[Claims, 'acr' | 'amr', string]>([
    [{}, 'acr', 'null'],
    [{ acr: 'weak' }, 'acr', '"weak"'],
    [{ acr: ['strong'] }, 'acr', '["strong"]'],
    [{ acr: 'strong' }, 'amr', 'null'],
    [{ acr: 'strong', amr: ['pwd'] }, 'amr', '["pwd"]'],
    [{ acr: 'strong', amr: 'otp' }, 'amr', '"otp"'],
  ])('that brought %j is refused', (claims, claim, shown) => {
    expect(refuse(claims, { stepUp: { acr: ['strong'], amr: ['otp'] } })).toEqual([
      'ERR_STEP_UP',
      claim,
      'mismatch',
      `${lead} "${claim}" is ${shown}`,
    ])
  })

  test('that asks for nothing is always met', () => {
    expect(findUnmet(buildSession().claims, {})).toBeUndefined()
  })
})

describe('an ID Token under the client secret', () => {
  const secret = 'a client secret of thirty-two bytes'
  const sign = (alg: string) =>
    new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ alg })
      .sign(new TextEncoder().encode(secret.padEnd(64, 'x')))

  test('is verified under it, with the algorithms that are accepted', async () => {
    const padded = secret.padEnd(64, 'x')
    await expect(verifySecretSignature(await sign('HS256'), padded, ['HS256'])).resolves.toBe(
      undefined,
    )
  })

  test.each<[string, string, readonly string[]]>([
    ['another secret', 'y'.repeat(64), ['HS256']],
    ['another algorithm', secret.padEnd(64, 'x'), ['HS512']],
  ])('is refused for %s', async (_why, used, algorithms) => {
    await expect(
      verifySecretSignature(await sign('HS256'), used, algorithms),
    ).rejects.toMatchObject({
      code: 'ERR_SIGNATURE',
      message: 'the signature is not valid',
      reason: 'invalid',
    })
  })
})
