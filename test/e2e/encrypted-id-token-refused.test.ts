import { CompactEncrypt } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signIdToken } from '../support/double/signing.ts'
import { encrypt, generateEncryptionKey } from '../support/encryption-keys.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, signIn, startAnotherApp, startSetting } from '../support/setting.ts'

type Behave = Setting['provider']['behave']

const ec = generateEncryptionKey('P-256')
const rsa = generateEncryptionKey('RSA')
const foreign = generateEncryptionKey('P-256')
const honest = { wrap: (signed: string) => encrypt(signed, ec) }

const cannot =
  'cannot be decrypted: it was encrypted for another key than those of "idToken.decryptionKey", with ' +
  'an algorithm that is not accepted, or was changed on its way'

/** A JWE with one of its parts changed. */
const change = (index: number, to: (part: string) => string) => async (signed: string) =>
  (await encrypt(signed, ec))
    .split('.')
    .map((part, at) => (at === index ? to(part) : part))
    .join('.')

const flip = (part: string) => (part.startsWith('A') ? 'B' : 'A') + part.slice(1)

const rewrite = (members: object) => (part: string) => {
  const header: object = JSON.parse(Buffer.from(part, 'base64url').toString())
  return Buffer.from(JSON.stringify({ ...header, ...members })).toString('base64url')
}

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, {
      userInfo: true,
      idToken: { decryptionKey: [ec.pem, rsa.pem] },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  /** The login fails with this; neither page nor event holds a token; the next honest one succeeds. */
  async function expectRefusal(
    behave: Behave['idToken'],
    expected: { code: string; message: string },
  ) {
    const sent: string[] = []
    setting.provider.behave.idToken = {
      ...behave,
      wrap: async (signed) => {
        const token = (await behave.wrap?.(signed)) ?? signed
        sent.push(token, signed)
        return token
      },
    }
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/profile`)
    expect(page.status).toBe(502)
    expect(setting.told('login.failed').map(({ error }) => error)).toMatchObject([expected])
    const seen = JSON.stringify(setting.events) + page.text
    expect(sent.length).toBeGreaterThan(0)
    for (const part of sent.flatMap((token) => token.split('.')).filter((text) => text !== '')) {
      expect(seen).not.toContain(part)
    }
    expect(setting.provider.requestsTo('userinfo')).toEqual([])
    setting.provider.reset()
    setting.provider.behave.idToken = honest
    expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
  }

  test.each<[string, (signed: string) => string | Promise<string>]>([
    ['for another key', (signed) => encrypt(signed, foreign)],
    [
      'for another key, under the name of ours',
      async (signed) => {
        const { kid } = await findPublished()
        return encrypt(signed, foreign, { alg: 'ECDH-ES', enc: 'A128GCM', kid })
      },
    ],
    ['whose header was changed', change(0, rewrite({ typ: 'JWT' }))],
    ['whose encrypted key was changed', change(1, flip)],
    ['whose initialization vector was changed', change(2, flip)],
    ['whose ciphertext was changed', change(3, flip)],
    ['whose tag was changed', change(4, flip)],
    ['with RSA1_5', change(0, rewrite({ alg: 'RSA1_5' }))],
    [
      'with an algorithm of the list, for a key of the other type',
      change(0, rewrite({ alg: 'RSA-OAEP' })),
    ],
    ['with A192GCM', (signed) => encrypt(signed, ec, { alg: 'ECDH-ES', enc: 'A192GCM' })],
    [
      'with a secret ("dir")',
      (signed) =>
        new CompactEncrypt(Buffer.from(signed))
          .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
          .encrypt(new Uint8Array(32)),
    ],
    [
      'that was compressed',
      (signed) => encrypt(signed, rsa, { alg: 'RSA-OAEP-256', enc: 'A256GCM', zip: 'DEF' }),
    ],
    ['with no header at all', change(0, () => '')],
  ])('an ID Token %s is refused', async (_name, wrap) => {
    const expected = { code: 'ERR_ID_TOKEN', message: `the ID Token ${cannot}` }
    await expectRefusal({ wrap }, expected)
  })

  async function findPublished(): Promise<{ kid: string }> {
    const { text } = await setting.browser().navigate(`${setting.app.url}/.well-known/jwks.json`)
    return JSON.parse(text).keys.find(({ use }: { use: string }) => use === 'enc')
  }

  test('an ID Token that is not encrypted is refused', async () => {
    await expectRefusal(
      {},
      {
        code: 'ERR_ID_TOKEN',
        message:
          'the ID Token is not encrypted, and "idToken.decryptionKey" is set: have the provider encrypt ' +
          'ID Tokens for this client, or remove the option',
      },
    )
  })

  // Who has our JWK Set can encrypt: the signature inside is what counts
  test.each<[string, Behave['idToken'], { code: string; message: unknown }]>([
    [
      'that is not signed',
      { alg: 'none' },
      { code: 'ERR_ID_TOKEN', message: expect.stringContaining('"alg"') },
    ],
    [
      'whose signature is wrong',
      { corruptSignature: true },
      { code: 'ERR_SIGNATURE', message: 'the signature is not valid' },
    ],
    [
      'of another audience',
      { claims: (claims) => ({ ...claims, aud: 'other' }) },
      { code: 'ERR_ID_TOKEN_CLAIM', message: expect.stringContaining('"aud"') },
    ],
  ])('an encrypted ID Token %s is refused', async (_name, behave, expected) => {
    await expectRefusal({ ...behave, ...honest }, expected as { code: string; message: string })
  })

  test.each<[string, (signed: string) => Promise<string>]>([
    ['claims without a signature', () => encrypt('{"sub":"alice"}', ec)],
    ['another encrypted token', async (signed) => encrypt(await encrypt(signed, ec), ec)],
    ['nothing', () => encrypt('', ec)],
  ])('an encrypted ID Token that holds %s is refused', async (_name, wrap) => {
    const message = 'the encrypted ID Token holds no signed one'
    await expectRefusal({ wrap }, { code: 'ERR_ID_TOKEN', message })
  })

  test('without a key, the error says which option to set', async () => {
    const bare = await startAnotherApp(framework, setting)
    try {
      setting.provider.behave.idToken = honest
      expect((await bare.browser().navigate(`${bare.app.url}/profile`)).status).toBe(502)
      expect(bare.told('login.failed')[0]?.error).toMatchObject({
        code: 'ERR_ID_TOKEN',
        message:
          'the ID Token is encrypted: set "idToken.decryptionKey" (OIDC_CLIENT_ENCRYPTION_KEY), or ' +
          'have the provider send it signed only',
      })
    } finally {
      await bare.close()
    }
  })

  test('at a refresh too: the ID Token must be encrypted, and for us', async () => {
    const keeping = await startAnotherApp(framework, setting, {
      idToken: { decryptionKey: ec.pem },
      session: { secret: 's'.repeat(32), keep: ['accessToken', 'refreshToken'] },
    })
    try {
      setting.provider.behave.idToken = honest
      const refresh = async () => {
        const browser = await signIn(keeping)
        return (await browser.navigate(`${keeping.app.url}/refresh`)).status
      }
      expect(await refresh()).toBe(200)
      for (const wrap of [
        (signed: string) => signed,
        (signed: string) => encrypt(signed, foreign),
      ]) {
        setting.provider.behave.refreshedIdToken = { wrap }
        expect(await refresh()).toBe(502)
      }
      expect(keeping.told('token.refresh_failed').map(({ error }) => error.code)).toEqual([
        'ERR_ID_TOKEN',
        'ERR_ID_TOKEN',
      ])
    } finally {
      await keeping.close()
    }
  })

  test('a token response that is nested too deeply is refused', async () => {
    const { provider, app } = setting
    const deep = '['.repeat(400_000) + ']'.repeat(400_000)
    const id_token = await encrypt('a.b.c', ec)
    const body = `{"access_token":"a","token_type":"bearer","id_token":"${id_token}","x":${deep}}`
    provider.behave.raw.token = { body, contentType: 'application/json' }
    expect((await setting.browser().navigate(`${app.url}/profile`)).status).toBe(502)
    expect(setting.told('login.failed')[0]?.error).toMatchObject({
      code: 'ERR_TOKEN_RESPONSE',
      message: 'the token response is nested too deeply',
    })
  })

  test.each([1, 2, 3, 4])('%d byte-order marks hide no ID Token', async (count) => {
    const { provider, app } = setting
    const honest = signIdToken({ sub: 'alice' }, provider.keys, {})
    const json = JSON.stringify({ access_token: 'a', token_type: 'bearer', id_token: honest })
    const body = '\ufeff'.repeat(count) + json
    provider.behave.raw.token = { body, contentType: 'application/json' }
    expect((await setting.browser().navigate(`${app.url}/profile`)).status).toBe(502)
    const [failed] = setting.told('login.failed')
    // Not about a claim: it was never looked at
    expect(['ERR_ID_TOKEN', 'ERR_TOKEN_RESPONSE']).toContain(failed?.error.code)
    expect(failed?.error.message).toMatch(/is not encrypted|JSON/)
  })

  describe('UserInfo', () => {
    const userInfo = (claims: object = {}, keyOrAlg: object = {}) =>
      signIdToken(
        {
          sub: 'alice',
          iss: setting.provider.issuer,
          aud: 'app',
          department: 'Analysis',
          ...claims,
        },
        setting.provider.keys,
        keyOrAlg,
      )

    async function login(body: string) {
      const { provider, app } = setting
      provider.behave.idToken = honest
      provider.behave.raw.userinfo = { body, contentType: 'application/jwt' }
      const fresh = await startAnotherApp(framework, setting, {
        userInfo: true,
        idToken: { decryptionKey: ec.pem },
      })
      try {
        const page = await fresh.browser().navigate(`${fresh.app.url}/profile`)
        const errors = fresh.told('login.failed').map(({ error }) => error)
        return { page, errors, app }
      } finally {
        await fresh.close()
      }
    }

    test.each<[string, () => Promise<string>]>([
      ['signed, then encrypted', () => encrypt(userInfo(), ec)],
      ['encrypted only', () => encrypt('{"sub":"alice","department":"Analysis"}', ec)],
      ['signed only', async () => userInfo()],
    ])('that is %s is merged into the user', async (_name, build) => {
      const { page, errors } = await login(await build())
      expect(errors).toEqual([])
      expect(JSON.parse(page.text)).toMatchObject({ sub: 'alice', department: 'Analysis' })
    })

    test.each<[string, () => Promise<string>, string, string?]>([
      ['for another key', () => encrypt(userInfo(), foreign), 'ERR_ID_TOKEN', `UserInfo ${cannot}`],
      [
        'whose signature is wrong',
        () => encrypt(userInfo({}, { corruptSignature: true }), ec),
        'ERR_SIGNATURE',
      ],
      [
        'that is not signed ("none")',
        () => encrypt(userInfo({}, { alg: 'none' }), ec),
        'ERR_ID_TOKEN',
      ],
      [
        'of another End-User',
        () => encrypt(userInfo({ sub: 'mallory' }), ec),
        'ERR_ID_TOKEN_CLAIM',
      ],
      [
        'of another End-User, not signed',
        () => encrypt('{"sub":"mallory"}', ec),
        'ERR_ID_TOKEN_CLAIM',
      ],
      ['for another client', () => encrypt(userInfo({ aud: 'other' }), ec), 'ERR_ID_TOKEN_CLAIM'],
      ['of another provider', () => encrypt(userInfo({ iss: 'x' }), ec), 'ERR_ID_TOKEN_CLAIM'],
      [
        'for nobody',
        () => encrypt(userInfo({ aud: undefined }), ec),
        'ERR_ID_TOKEN_CLAIM',
        '"aud" of signed UserInfo is missing',
      ],
      [
        'of nobody',
        async () => userInfo({ iss: undefined }),
        'ERR_ID_TOKEN_CLAIM',
        '"iss" of signed UserInfo is missing',
      ],
      ['that is none', () => encrypt('x', ec), 'ERR_ID_TOKEN'],
    ])('%s is refused', async (_name, build, code, message) => {
      const body = await build()
      const { page, errors } = await login(body)
      expect(page.status).toBe(502)
      expect(errors).toMatchObject([{ code, ...(message && { message }) }])
      expect(JSON.stringify(errors) + page.text).not.toMatch(/\beyJ[\w-]{5}/)
    })
  })
})
