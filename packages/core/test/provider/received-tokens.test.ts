import { beforeAll, describe, expect, test } from 'vitest'
import { KeyError } from '../../src/errors.ts'
import type { FetchInit } from '../../src/http/fetch.ts'
import type { Decrypter } from '../../src/keys/decrypter.ts'
import { createTokenFetch, type TokenSettings } from '../../src/provider/received-tokens.ts'
import { createDecrypters, encryptFor } from '../keys/support/decryption.ts'
import { generateEc } from '../keys/support/keys.ts'

const key = generateEc()
const init: FetchInit = { method: 'POST', headers: {}, redirect: 'manual' }
const header = { alg: 'ECDH-ES', enc: 'A128GCM' }

let decrypters: readonly Decrypter[]
beforeAll(async () => {
  decrypters = (await createDecrypters(key)).map(({ decrypter }) => decrypter)
})

const endpoints = {
  token_endpoint: 'https://OP.example:443/token',
  userinfo_endpoint: 'https://op.example/me/../userinfo',
}

const url = { token: 'https://op.example/token', userInfo: 'https://op.example/userinfo' }

async function ask(
  target: string,
  response: Response,
  { where = endpoints, ...overrides }: Partial<TokenSettings> & { where?: typeof endpoints } = {},
): Promise<Response> {
  const settings = {
    decryptionRing: { usable: async () => decrypters },
    hasAsymmetricIdTokens: true,
    fetch: async () => response,
    ...overrides,
  }
  return await createTokenFetch(where, settings)(target, init)
}

const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json', a: 'b' },
  })
const jwt = (body: string, type = 'application/jwt') =>
  new Response(body, { headers: { 'content-type': type } })
const unsigned = (claims: object) =>
  `${[{ alg: 'RS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.AA`

describe('a token response', () => {
  test('is the same with the token that was inside, however the metadata writes the URL', async () => {
    const id_token = await encryptFor(key, header)
    const response = await ask(url.token, json({ id_token, access_token: 'x', expires_in: 5 }))
    expect(response.headers.get('a')).toBe('b')
    expect(await response.json()).toEqual({
      id_token: 'a.signed.token',
      access_token: 'x',
      expires_in: 5,
    })
  })

  test.each([{ access_token: 'x' }, { id_token: 5 }, ['x'], null])(
    'without an ID Token is left as it is: %j',
    async (body) => {
      expect(await (await ask(url.token, json(body))).json()).toEqual(body)
    },
  )

  test('that is none is handed on as it came, so that nobody reads another one', async () => {
    const body = Buffer.from(`\ufeff\ufeff\ufeff${JSON.stringify({ id_token: 'a.b.c' })}`)
    const response = new Response(body)
    const handedOn = await ask(url.token, response)
    expect(handedOn).toBe(response)
    expect(Buffer.from(await handedOn.arrayBuffer())).toEqual(body)
  })

  test('that is nested too deeply is refused', async () => {
    const id_token = await encryptFor(key, header)
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    const response = new Response(`{"id_token":"${id_token}","x":${deep}}`)
    await expect(ask(url.token, response)).rejects.toMatchObject({
      code: 'ERR_TOKEN_RESPONSE',
      message: 'the token response is nested too deeply',
    })
  })

  test('whose key cannot be had is no 503: the code that brought it is used', async () => {
    const error = new KeyError('ERR_NO_KEY', 'gone', { kid: 'k', reason: 'timeout' })
    const decryptionRing = { usable: () => Promise.reject(error) }
    const response = json({ id_token: await encryptFor(key, header) })
    await expect(ask(url.token, response, { decryptionRing })).rejects.toMatchObject({
      code: 'ERR_NO_KEY',
      message: 'gone',
      kid: 'k',
      reason: 'timeout',
      status: 502,
      cause: error,
    })
  })

  test('that is no JSON, or an error, is left as it is', async () => {
    expect(await (await ask(url.token, jwt('<html>'))).text()).toBe('<html>')
    const error = await ask(url.token, json({ error: 'invalid_grant', id_token: 'a.b.c' }, 400))
    expect([error.status, await error.json()]).toEqual([
      400,
      { error: 'invalid_grant', id_token: 'a.b.c' },
    ])
  })

  test.each(['a.b.c', 'a', '', 'a.b.c.d'])(
    'with an ID Token that is not encrypted is refused: %j',
    async (id_token) => {
      await expect(ask(url.token, json({ id_token }))).rejects.toMatchObject({
        code: 'ERR_ID_TOKEN',
        message: expect.stringMatching(/^the ID Token is not encrypted/),
        tokenKind: 'id_token',
      })
    },
  )
})

test.each(['', '{}', 'a.b', 'a.b.c.d.e', 'a.b c.d'])(
  'an encrypted ID Token that holds no signed one is refused: %j',
  async (text) => {
    const id_token = await encryptFor(key, header, text)
    await expect(ask(url.token, json({ id_token }))).rejects.toMatchObject({
      code: 'ERR_ID_TOKEN',
      message: 'the encrypted ID Token holds no signed one',
    })
  },
)

describe('UserInfo', () => {
  const claims = { sub: 'a', iss: 'https://op.example', aud: 'app' }

  test('is handed on as what was inside: a signed token, or claims', async () => {
    const signed = await ask(url.userInfo, jwt(await encryptFor(key, header, unsigned(claims))))
    expect(await signed.text()).toBe(unsigned(claims))
    expect(signed.headers.get('content-type')).toBe('application/jwt')
    const plain = await ask(url.userInfo, jwt(await encryptFor(key, header, '{"sub":"a"}')))
    expect(await plain.json()).toEqual({ sub: 'a' })
    expect(plain.headers.get('content-type')).toBe('application/json')
  })

  test('that is plain, or signed, is left as it is', async () => {
    expect(await (await ask(url.userInfo, json({ sub: 'a' }))).json()).toEqual({ sub: 'a' })
    const signed = await ask(
      url.userInfo,
      jwt(`${unsigned(claims)}\n`, 'application/jwt;charset=utf-8'),
    )
    expect(await signed.text()).toBe(unsigned(claims))
  })

  test.each([
    ['claims that are neither signed nor encrypted', '{"sub":"a"}'],
    ['a text', 'x'],
  ])('of the type of a JWT that is %s is refused', async (_name, body) => {
    await expect(ask(url.userInfo, jwt(body))).rejects.toMatchObject({
      code: 'ERR_ID_TOKEN',
      message: 'UserInfo of the type "application/jwt" holds neither a JWT nor claims',
      tokenKind: 'userinfo',
    })
  })

  test.each(['application/jwt ; charset=utf-8', 'Application/JWT'])(
    'is signed, or encrypted, where its type is %j',
    async (type) => {
      for (const body of [unsigned(claims), await encryptFor(key, header, unsigned(claims))]) {
        const response = await ask(url.userInfo, jwt(body, type))
        expect(await response.text()).toBe(unsigned(claims))
        expect(response.headers.get('content-type')).toBe('application/jwt')
      }
    },
  )

  test('that is encrypted, without a key, is for openid-client to refuse', async () => {
    const body = await encryptFor(key, header, unsigned(claims))
    const response = await ask(url.userInfo, jwt(body), { decryptionRing: undefined })
    expect(await response.text()).toBe(body)
  })

  test('that is signed is refused where nothing would verify it, also within another', async () => {
    for (const body of [unsigned(claims), await encryptFor(key, header, unsigned(claims))]) {
      const asked = ask(url.userInfo, jwt(body), { hasAsymmetricIdTokens: false })
      await expect(asked).rejects.toMatchObject({
        code: 'ERR_ID_TOKEN',
        message: expect.stringMatching(/^UserInfo is signed, and where ID Tokens are signed with/),
        tokenKind: 'userinfo',
      })
    }
    const plain = await ask(url.userInfo, json(claims), { hasAsymmetricIdTokens: false })
    expect(await plain.json()).toEqual(claims)
  })

  test.each(
    ['iss', 'aud'].flatMap((claim) => [
      [claim, 'with a decryption key', {}] as const,
      [claim, 'without one', { decryptionRing: undefined }] as const,
    ]),
  )('that is signed must have "%s", %s', async (claim, _name, overrides) => {
    const body = unsigned({ ...claims, [claim]: undefined })
    await expect(ask(url.userInfo, jwt(body), overrides)).rejects.toMatchObject({
      code: 'ERR_ID_TOKEN_CLAIM',
      claim,
      reason: 'missing',
      tokenKind: 'userinfo',
    })
  })
})

test('other responses are not looked at, and metadata without a good URL does no harm', async () => {
  const bad = { ...endpoints, userinfo_endpoint: 'nowhere' }
  const response = json({ id_token: 'a.b.c' })
  expect(await ask('https://op.example/revoke', response, { where: bad })).toBe(response)
})
