import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelyingParty } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encrypt, generateEncryptionKey } from '../support/encryption-keys.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'

const key = generateEncryptionKey('P-256')
const longAgo = Math.floor(Date.now() / 1000) - 3 * 86_400

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const file = join(folder, 'key.jwk')
  const write = (exp?: number) => writeFileSync(file, JSON.stringify({ ...key.jwk, exp }))
  const options = { userInfo: true, idToken: { decryptionKey: `file:${file}` } }
  beforeAll(async () => {
    write()
    setting = await startSetting(framework, options)
  })
  afterAll(async () => {
    await setting.close()
    rmSync(folder, { recursive: true })
  })
  beforeEach(() => {
    write()
    setting.reset()
    setting.provider.behave.idToken = { wrap: (signed) => encrypt(signed, key) }
  })

  test('without a key that decrypts nobody is sent away, and once there is one they are', async () => {
    write(longAgo)
    const page = await setting.browser().navigate(`${setting.app.url}/profile`)
    expect(page.status).toBe(503)
    expect(setting.told('login.failed')[0]?.error.code).toBe('ERR_NO_KEY')
    expect(setting.provider.requestsTo('authorization')).toEqual([])
    write()
    await signIn(setting)
  })

  test('without a key that decrypts the app is not ready', async () => {
    const { issuer } = setting.provider
    const start = (notAfter?: number) =>
      createRelyingParty({
        issuer,
        clientId: 'app',
        clientKey: setting.privateKeyPem,
        baseUrl: setting.app.url,
        session: { secret },
        idToken: { decryptionKey: [{ key: key.pem, ...(notAfter && { notAfter }) }] },
      })
    await expect(start(longAgo).ready()).rejects.toMatchObject({ code: 'ERR_NO_KEY' })
    await start().ready()
  })

  test.each<[string, (behave: Setting['provider']['behave']) => void, number, string]>([
    [
      'the key that decrypts is gone',
      (behave) => {
        behave.idToken.wrap = (signed) => {
          write(longAgo)
          return encrypt(signed, key)
        }
      },
      502,
      'ERR_NO_KEY',
    ],
    [
      "the provider's keys cannot be had",
      (behave) => {
        behave.raw.jwks = { status: 503, body: 'down' }
      },
      503,
      'ERR_PROVIDER_UNAVAILABLE',
    ],
    [
      'UserInfo cannot be had',
      (behave) => {
        behave.raw.userinfo = { status: 503, body: 'down' }
      },
      503,
      'ERR_PROVIDER_UNAVAILABLE',
    ],
  ])('the code is used once %s, and is not sent again', async (_name, misbehave, status, code) => {
    // A new app, which has none of the provider's keys
    const fresh = await startAnotherApp(framework, setting, options)
    try {
      misbehave(setting.provider.behave)
      const browser = fresh.browser()
      const failed = await browser.navigate(`${fresh.app.url}/profile`)
      expect(fresh.told('login.failed')).toMatchObject([{ error: { code } }])
      expect(failed.status).toBe(status)
      write()
      expect((await browser.navigate(failed.url)).status).toBe(400)
      expect(setting.provider.requestsTo('token')).toHaveLength(1)
    } finally {
      await fresh.close()
    }
  })
})
