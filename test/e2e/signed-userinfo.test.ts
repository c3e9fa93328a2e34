import { clientSecretPost } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { signIdToken } from '../support/double/signing.ts'
import { encrypt, generateEncryptionKey } from '../support/encryption-keys.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, startAnotherApp, startSetting } from '../support/setting.ts'

const key = generateEncryptionKey('P-256')
const clientSecret = 'a client secret of thirty-two bytes or more'

describe.each(mainFrameworks)('signed UserInfo on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, { userInfo: true })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const sign = (claims: object = {}, how: object = {}) =>
    signIdToken(
      { sub: 'alice', iss: setting.provider.issuer, aud: 'app', department: 'Analysis', ...claims },
      setting.provider.keys,
      how,
    )

  async function login(body: string, where = setting, contentType = 'application/jwt') {
    setting.provider.behave.raw.userinfo = { body, contentType }
    const page = await where.browser().navigate(`${where.app.url}/profile`)
    return { page, errors: where.told('login.failed').map(({ error }) => error) }
  }

  test.each([
    'application/jwt',
    'application/jwt; charset=utf-8',
    'application/jwt ; charset=utf-8',
    'Application/JWT',
  ])(
    'is merged into the user, though the metadata do not say how it is signed: %s',
    async (type) => {
      const { page, errors } = await login(sign(), setting, type)
      expect(errors).toEqual([])
      expect(JSON.parse(page.text)).toMatchObject({ sub: 'alice', department: 'Analysis' })
    },
  )

  test.each<[string, object, object, string, string?]>([
    ['with a wrong signature', {}, { corruptSignature: true }, 'ERR_SIGNATURE'],
    ['with none', {}, { alg: 'none' }, 'ERR_ID_TOKEN'],
    [
      'for nobody',
      { aud: undefined },
      {},
      'ERR_ID_TOKEN_CLAIM',
      '"aud" of signed UserInfo is missing',
    ],
    [
      'of nobody',
      { iss: undefined },
      {},
      'ERR_ID_TOKEN_CLAIM',
      '"iss" of signed UserInfo is missing',
    ],
  ])('%s is refused', async (_name, claims, how, code, message) => {
    const { page, errors } = await login(sign(claims, how))
    expect(page.status).toBe(502)
    expect(errors).toMatchObject([{ code, ...(message && { message }) }])
  })

  test('is not accepted unsigned, or under the client secret, where the metadata say so', async () => {
    const fresh = await startAnotherApp(framework, setting, { userInfo: true })
    try {
      setting.provider.behave.metadata = (metadata) => ({
        ...metadata,
        userinfo_signing_alg_values_supported: ['none', 'HS256', 'RS256'],
      })
      const secret = { alg: 'HS256', key: new TextEncoder().encode(clientSecret) }
      expect((await login(sign({}, { alg: 'none' }), fresh)).page.status).toBe(502)
      expect((await login(sign({}, secret), fresh)).page.status).toBe(502)
      expect((await login(sign(), fresh)).page.status).toBe(200)
    } finally {
      await fresh.close()
    }
  })

  describe('where ID Tokens are signed with the client secret', () => {
    let symmetric: Setting
    beforeAll(async () => {
      setting.provider.registerClient({ clientId: 'symmetric', clientSecret })
      symmetric = await startAnotherApp(framework, setting, {
        clientId: 'symmetric',
        clientKey: undefined as never,
        clientAuth: clientSecretPost(clientSecret),
        userInfo: true,
        idToken: { alg: 'HS256', decryptionKey: key.pem },
      })
    })
    afterAll(() => symmetric.close())

    const secretly = {
      alg: 'HS256' as const,
      key: new TextEncoder().encode(clientSecret),
      wrap: (signed: string) => encrypt(signed, key),
    }
    const aud = 'symmetric'

    test.each<[string, () => string]>([
      ['with a wrong signature', () => sign({ aud }, { corruptSignature: true })],
      ['with none', () => sign({ aud }, { alg: 'none' })],
      ['with a good one, which nothing verifies', () => sign({ aud })],
    ])('is refused, %s, and encrypted too', async (_name, build) => {
      setting.provider.behave.idToken = secretly
      for (const body of [build(), await encrypt(build(), key)]) {
        const { page, errors } = await login(body, symmetric)
        expect(page.status).toBe(502)
        expect(errors.at(-1)).toMatchObject({
          code: 'ERR_ID_TOKEN',
          message: expect.stringMatching(
            /^UserInfo is signed, .* have the provider send it as JSON/,
          ),
        })
      }
      setting.provider.behave.raw = {}
      const page = await symmetric.browser().navigate(`${symmetric.app.url}/profile`)
      expect(page.status).toBe(200)
    })
  })
})
