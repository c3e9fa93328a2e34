/**
 * What a Logout Token must say.
 *
 * @network loopback
 */

import { createPublicKey } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readLogoutToken } from '../../src/logout/logout-token.ts'
import { generateEc, generateRsa, toPem } from '../keys/support/keys.ts'
import { buildClaims, clientId, now, publish, sign, startProvider } from './support/provider.ts'

const key = generateRsa()
const header = { alg: 'RS256', kid: 'one' }
const start = () => startProvider({ keys: [publish(key, { kid: 'one' })] })
const event = 'http://schemas.openid.net/event/backchannel-logout'

describe('a token that is good', () => {
  test('says whose session has ended', async () => {
    const { issuer, settings } = await start()
    const token = await sign(key, header, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toEqual({
      iss: issuer,
      sub: 'alice',
      sid: 'at-the-provider',
      jti: 'once',
      iat: now - 5,
      exp: now + 120,
    })
  })

  test.each<[string, object, object]>([
    ['only "sub"', { sid: undefined }, { sub: 'alice' }],
    ['only "sid"', { sub: undefined }, { sid: 'at-the-provider' }],
    ['claims that are not known', { ignored_claim: 'x', azp: 'other', typ: 'Logout' }, {}],
    ['"aud" as a list', { aud: [clientId] }, {}],
    ['more in the event', { events: { [event]: { a: 1 } } }, {}],
    ['other events, too', { events: { 'urn:other': null, [event]: {} } }, {}],
    ['a clock that is 30 s ahead', { iat: now + 30 }, { iat: now + 30 }],
    ['a clock that is 29 s behind', { exp: now - 29 }, { exp: now - 29 }],
    ['a fraction of a second', { iat: now - 0.5 }, { iat: now - 0.5 }],
    ['"nbf" as ID Tokens have it', { nbf: now - 5 }, {}],
    ['"exp" far away, which is drawn near', { exp: now * 2 }, { exp: now - 5 + 86_400 }],
  ])('may have %s', async (_name, others, expected) => {
    const { issuer, settings } = await start()
    const token = await sign(key, header, buildClaims(issuer, others))
    const read = await readLogoutToken(settings, token)
    expect(read).toMatchObject({ iss: issuer, jti: 'once', ...expected })
    expect('sub' in read).toBe(!('sub' in others))
    expect('sid' in read).toBe(!('sid' in others))
  })

  test('may name another audience that is trusted', async () => {
    const { issuer, settings } = await start()
    const token = await sign(key, header, buildClaims(issuer, { aud: ['api', clientId] }))
    const trusting = { ...settings, trustedAudiences: ['api'] }
    expect(await readLogoutToken(trusting, token)).toMatchObject({ sub: 'alice' })
  })

  test.each([
    'logout+jwt',
    'LOGOUT+JWT',
    'application/logout+jwt',
    'Application/Logout+JWT',
    'JWT',
    'jwt',
    'application/jwt',
  ])('may have the type %s', async (typ) => {
    const { issuer, settings } = await start()
    const token = await sign(key, { ...header, typ }, buildClaims(issuer))
    expect(await readLogoutToken(settings, token)).toMatchObject({ sub: 'alice' })
  })
})

describe('a token is refused without a request when', () => {
  test.each<[string, object, object]>([
    ['"iss" is missing', { iss: undefined }, { claim: 'iss', reason: 'missing' }],
    ['"iss" is another', { iss: 'https://op.example' }, { claim: 'iss', reason: 'mismatch' }],
    ['"iss" is a list', { iss: ['https://op.example'] }, { claim: 'iss', reason: 'mismatch' }],
    ['"aud" is missing', { aud: undefined }, { claim: 'aud', reason: 'missing' }],
    ['"aud" is another', { aud: 'appINVALID' }, { claim: 'aud', reason: 'mismatch' }],
    ['"aud" is an empty list', { aud: [] }, { claim: 'aud', reason: 'mismatch' }],
    ['"aud" is an object', { aud: { app: 'app' } }, { claim: 'aud', reason: 'mismatch' }],
    ['"aud" is a list in a list', { aud: [['app']] }, { claim: 'aud', reason: 'mismatch' }],
    ['"aud" names another, too', { aud: ['app', 'x'] }, { claim: 'aud', reason: 'mismatch' }],
    ['"aud" has a number', { aud: ['app', 5] }, { claim: 'aud', reason: 'mismatch' }],
    ['"iat" is missing', { iat: undefined }, { claim: 'iat', reason: 'missing' }],
    ['"iat" is a string', { iat: String(now) }, { claim: 'iat', reason: 'invalid' }],
    ['"iat" is null', { iat: null }, { claim: 'iat', reason: 'invalid' }],
    ['"iat" is in the future', { iat: now + 31 }, { claim: 'iat', reason: 'invalid' }],
    ['"iat" is a day ago', { iat: now - 86_430 }, { claim: 'iat', reason: 'expired' }],
    ['"exp" is missing', { exp: undefined }, { claim: 'exp', reason: 'missing' }],
    ['"exp" is a string', { exp: String(now + 60) }, { claim: 'exp', reason: 'invalid' }],
    ['"exp" has passed', { exp: now - 30 }, { claim: 'exp', reason: 'expired' }],
    ['"nbf" is in the future', { nbf: now + 31 }, { claim: 'nbf', reason: 'invalid' }],
    ['"nbf" is a string', { nbf: '5' }, { claim: 'nbf', reason: 'invalid' }],
    ['"jti" is missing', { jti: undefined }, { claim: 'jti', reason: 'missing' }],
    ['"jti" is empty', { jti: '' }, { claim: 'jti', reason: 'invalid' }],
    ['"jti" is a number', { jti: 5 }, { claim: 'jti', reason: 'invalid' }],
    ['"jti" is long', { jti: 'x'.repeat(513) }, { claim: 'jti', reason: 'invalid' }],
    [
      'neither "sub" nor "sid" is there',
      { sub: undefined, sid: undefined },
      { claim: 'sub', reason: 'missing' },
    ],
    ['"sub" is empty', { sub: '' }, { claim: 'sub', reason: 'invalid' }],
    ['"sub" is null', { sub: null }, { claim: 'sub', reason: 'invalid' }],
    ['"sub" is a list', { sub: ['alice'] }, { claim: 'sub', reason: 'invalid' }],
    ['"sid" is empty', { sid: '' }, { claim: 'sid', reason: 'invalid' }],
    ['"sid" is a number', { sid: 7 }, { claim: 'sid', reason: 'invalid' }],
    ['"events" is missing', { events: undefined }, { claim: 'events', reason: 'missing' }],
    ['"events" is empty', { events: {} }, { claim: 'events', reason: 'invalid' }],
    ['"events" is a list', { events: [event] }, { claim: 'events', reason: 'invalid' }],
    ['"events" is a string', { events: event }, { claim: 'events', reason: 'invalid' }],
    ['"events" is null', { events: null }, { claim: 'events', reason: 'invalid' }],
    [
      'the event is another',
      { events: { 'http://schemas.openid.net/event/foobar': {} } },
      { claim: 'events', reason: 'invalid' },
    ],
    ['the event is null', { events: { [event]: null } }, { claim: 'events', reason: 'invalid' }],
    ['the event is a list', { events: { [event]: [] } }, { claim: 'events', reason: 'invalid' }],
    ['the event is "true"', { events: { [event]: true } }, { claim: 'events', reason: 'invalid' }],
    ['there is a "nonce"', { nonce: 'n' }, { claim: 'nonce', reason: 'invalid' }],
    ['"nonce" is null', { nonce: null }, { claim: 'nonce', reason: 'invalid' }],
  ])('%s', async (_name, others, expected) => {
    const { issuer, settings, requests } = await start()
    const token = await sign(key, header, buildClaims(issuer, others))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
      name: 'TokenValidationError',
      code: 'ERR_LOGOUT_TOKEN',
      status: 400,
      tokenKind: 'logout_token',
      ...expected,
    })
    expect(requests).toEqual([])
  })

  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  test.each<[string, (claims: object) => string | Promise<string>, string]>([
    ['it is empty', () => '', 'is not a JWT'],
    ['it is no JWT', () => 'a.b.c', 'is not a JWT'],
    ['it has two parts', (claims) => `${encode(header)}.${encode(claims)}`, 'is not a JWT'],
    ['its claims are no JSON', () => `${encode(header)}.e30x.AA`, 'is not a JWT'],
    ['its claims are a list', (claims) => sign(key, header, [claims]), 'is not a JWT'],
    [
      'its claims are nested without end',
      () => `${encode(header)}.${Buffer.from('['.repeat(9000)).toString('base64url')}.AA`,
      'is not a JWT',
    ],
    [
      '"exp" is without end',
      (claims) => {
        const text = JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')
        return `${encode(header)}.${Buffer.from(text).toString('base64url')}.AA`
      },
      '"exp" is not a NumericDate',
    ],
    [
      'it is long',
      (claims) => sign(key, header, { ...claims, x: 'x'.repeat(12_288) }),
      'is longer',
    ],
    ['"alg" is none', (claims) => `${encode({ alg: 'none' })}.${encode(claims)}.`, 'not signed'],
    [
      '"alg" is missing',
      (claims) => `${encode({ kid: 'one' })}.${encode(claims)}.AA`,
      'not signed',
    ],
    [
      '"alg" is a number',
      (claims) => `${encode({ alg: 256 })}.${encode(claims)}.AA`,
      'is not signed',
    ],
    [
      '"kid" is a number',
      (claims) => `${encode({ alg: 'RS256', kid: 1 })}.${encode(claims)}.AA`,
      '"kid" of the Logout Token is not a string',
    ],
    [
      'it has an extension',
      (claims) => `${encode({ ...header, crit: ['x'], x: 1 })}.${encode(claims)}.AA`,
      'has "crit"',
    ],
    [
      'its payload is not encoded',
      (claims) => sign(key, { ...header, crit: ['b64'], b64: true }, claims),
      'has "crit"',
    ],
    ['it is typed as an access token', (claims) => sign(key, typed('at+jwt'), claims), '"at+jwt"'],
    ['it is typed as any event', (claims) => sign(key, typed('secevent+jwt'), claims), '"typ"'],
    ['its type is empty', (claims) => sign(key, typed(''), claims), '"typ"'],
    [
      'its type is a number',
      (claims) => `${encode({ ...header, typ: 1 })}.${encode(claims)}.AA`,
      '"typ" of the Logout Token is a number',
    ],
    [
      'it is encrypted, and there is no key',
      (claims) => `${encode({ alg: 'RSA-OAEP', enc: 'A128GCM' })}.AA.AA.${encode(claims)}.AA`,
      'is encrypted, and "idToken.decryptionKey" is not set',
    ],
  ])('%s', async (_name, build, message) => {
    const { issuer, settings, requests } = await start()
    const token = await build(buildClaims(issuer))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
      code: 'ERR_LOGOUT_TOKEN',
      message: expect.stringContaining(message),
    })
    expect(requests).toEqual([])
  })

  const typed = (typ: string) => ({ ...header, typ })
})

describe('a signature is refused that', () => {
  test('is of another key, though the header brings it along', async () => {
    const { issuer, settings } = await start()
    const other = generateEc()
    const jwk = publish(other)
    const token = await sign(other, { alg: 'ES256', kid: 'one', jwk }, buildClaims(issuer))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
      message: 'the "alg" of the Logout Token is "ES256", and of ID Tokens it is RS256',
      reason: 'mismatch',
    })
  })

  test('was changed, or belongs to other claims', async () => {
    const { issuer, settings } = await start()
    const [head, claims, signature = ''] = (await sign(key, header, buildClaims(issuer))).split('.')
    const bytes = Buffer.from(signature, 'base64url')
    const inverted = Buffer.from(bytes.map((byte) => byte ^ 0x5a)).toString('base64url')
    const wrong = [
      `${head}.${claims}.${inverted}`,
      `${head}.${claims}.`,
      `${head}.${Buffer.from(JSON.stringify(buildClaims(issuer, { sub: 'bob' }))).toString('base64url')}.${signature}`,
    ]
    for (const token of wrong) {
      await expect(readLogoutToken(settings, token)).rejects.toMatchObject({
        code: 'ERR_LOGOUT_TOKEN',
        message: 'the signature of the Logout Token is not valid',
      })
    }
  })

  test('is an HMAC under the public key', async () => {
    const { issuer, settings } = await start()
    const secret = new TextEncoder().encode(
      createPublicKey(toPem(key)).export({ type: 'spki', format: 'pem' }).toString(),
    )
    const token = await sign(secret, { alg: 'HS256', kid: 'one' }, buildClaims(issuer))
    await expect(readLogoutToken(settings, token)).rejects.toMatchObject({ reason: 'mismatch' })
  })

  test('no message repeats the token', async () => {
    const { issuer, settings } = await start()
    const token = await sign(generateEc(), { alg: 'ES256' }, buildClaims(issuer))
    const error = await readLogoutToken(settings, token).catch(String)
    expect(error).not.toContain(token.slice(0, 20))
    const iss = `\n${'x'.repeat(1000)}`
    const long = await readLogoutToken(settings, await sign(key, header, { iss })).catch(String)
    expect(String(long).length).toBeLessThan(400)
    expect(long).not.toContain('\n')
  })
})
