import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OidcEvent, Options } from '@countersign/core'
import {
  type GeneratedClientKey,
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '@countersign/testing'
import { decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type App, startApp } from '../support/app.ts'
import { type EncryptionKey, generateEncryptionKey } from '../support/encryption-keys.ts'
import { mainFrameworks } from '../support/frameworks.ts'
import { secret } from '../support/setting.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

const rsa = generateEncryptionKey('RSA')
const ec = generateEncryptionKey('P-256')

// oidc-provider, as an independent implementation, fetches our JWK Set, chooses a key and encrypts
describe.each(mainFrameworks)('on $name', (framework) => {
  let provider: Provider
  let clientKey: GeneratedClientKey
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const running: { close(): unknown }[] = []
  beforeAll(async () => {
    provider = await startProvider({ interaction: 'auto', tokens: { refreshTokens: 'always' } })
    clientKey = await generateClientKey()
  })
  afterEach(async () => {
    for (const part of running.splice(0).reverse()) await part.close()
  })
  afterAll(async () => {
    rmSync(folder, { recursive: true })
    await provider.close()
  })

  interface Running {
    readonly app: App
    readonly events: readonly OidcEvent[]
    register(client: Partial<ProviderClient>): Promise<void>
    browser(): UserAgent
    signIn(browser?: UserAgent): Promise<UserAgent>
    jwkSet(): Promise<readonly { kid: string; use: string; alg?: string }[]>
  }

  /** Starts an app; the provider knows its JWK Set by the URL only. */
  async function start(overrides: Partial<Options>): Promise<Running> {
    const events: OidcEvent[] = []
    const app = await startApp(framework, {
      options: (baseUrl) => ({
        issuer: provider.issuer,
        clientId: 'app',
        clientKey: clientKey.privateKeyPem,
        baseUrl,
        session: { secret },
        onEvent: (event) => events.push(event),
        ...overrides,
      }),
    })
    running.push(app)
    const browser = () => {
      const made = createUserAgent()
      running.push(made)
      return made
    }
    return {
      app,
      events,
      browser,
      register: (client) =>
        provider.addClient({
          clientId: 'app',
          jwksUri: `${app.url}/.well-known/jwks.json`,
          redirectUris: [`${app.url}/callback`],
          ...client,
        }),
      async signIn(browserInUse = browser()) {
        const { status, text } = await browserInUse.navigate(`${app.url}/profile`)
        const errors = events.flatMap((event) => ('error' in event ? [event.error] : []))
        expect({ status, errors }, text).toEqual({ status: 200, errors: [] })
        return browserInUse
      },
      async jwkSet() {
        return JSON.parse((await browser().navigate(`${app.url}/.well-known/jwks.json`)).text).keys
      },
    }
  }

  const encs = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512']
  const algs = ['RSA-OAEP-256', 'RSA-OAEP', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const
  const isFirst = (alg: string) => alg === 'RSA-OAEP-256' || alg === 'ECDH-ES+A256KW'

  test.each(algs)('an ID Token and UserInfo encrypted with %s sign in', async (alg) => {
    const key = alg.startsWith('RSA') ? rsa.pem : ec.pem
    const { signIn, register } = await start({
      userInfo: true,
      // It looks for a key by its algorithm: another than the first is named
      idToken: { decryptionKey: isFirst(alg) ? key : [{ key, alg }] },
    })
    for (const enc of encs) {
      await register({
        idTokenEncryption: { alg, enc },
        userInfoAlg: 'RS256',
        userInfoEncryption: { alg, enc },
      })
      await signIn()
    }
  })

  test.each<[string, Partial<ProviderClient>]>([
    ['is signed and not encrypted', { userInfoAlg: 'ES256' }],
    ['is plain', {}],
  ])('UserInfo that %s is merged into the user', async (_name, client) => {
    const { app, signIn, register } = await start({
      userInfo: true,
      idToken: { decryptionKey: rsa.pem },
      onLogin: ({ user }) => ({ known: user['email'] }),
    })
    await register({ idTokenEncryption: { alg: 'RSA-OAEP-256' }, ...client })
    const browser = await signIn()
    const { text } = await browser.navigate(`${app.url}/profile`)
    expect(JSON.parse(text)).toMatchObject({ sub: 'ada', known: 'ada@example.com' })
  })

  test('the JWK Set has the keys that sign and those that decrypt, of one file', async () => {
    const file = join(folder, 'keys.json')
    const { privateJwk } = await generateClientKey()
    const keys = [
      { ...privateJwk, kid: 'sign', use: 'sig' },
      { ...ec.jwk, kid: 'decrypt', use: 'enc', alg: 'ECDH-ES+A256KW' },
      { ...rsa.jwk, kid: 'any', use: 'enc' },
    ]
    writeFileSync(file, JSON.stringify({ keys }))
    const { signIn, register, jwkSet } = await start({
      clientKey: `file:${file}`,
      idToken: { decryptionKey: `file:${file}` },
    })
    const set = await jwkSet()
    expect(set.map(({ kid, use, alg }) => [kid, use, alg])).toEqual([
      ['sign', 'sig', 'ES256'],
      ['decrypt', 'enc', 'ECDH-ES+A256KW'],
      ['any', 'enc', 'RSA-OAEP-256'],
    ])
    const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']
    expect(set.flatMap(Object.keys).filter((name) => secretMembers.includes(name))).toEqual([])
    for (const alg of ['ECDH-ES+A256KW', 'RSA-OAEP-256']) {
      await register({ idTokenEncryption: { alg } })
      await signIn()
    }
  })

  test('keys are rotated without a restart, and no login fails on the way', async () => {
    const file = join(folder, 'rotation.json')
    const write = (...keys: readonly (EncryptionKey['jwk'] & { nbf?: number; exp?: number })[]) => {
      const set = { keys: keys.map((key) => ({ ...key, use: 'enc' })) }
      writeFileSync(`${file}.new`, JSON.stringify(set))
      renameSync(`${file}.new`, file)
    }
    const now = Math.floor(Date.now() / 1000)
    const [old, next] = [
      { ...ec.jwk, kid: 'old' },
      { ...generateEncryptionKey('P-256').jwk, kid: 'next' },
    ]
    write(old)
    const { app, events, browser, signIn, register, jwkSet } = await start({
      idToken: { decryptionKey: `file:${file}` },
    })
    const encrypted = { idTokenEncryption: { alg: 'ECDH-ES+A256KW', enc: 'A128GCM' } }
    const kids = async () =>
      (await jwkSet()).filter(({ use }) => use === 'enc').map(({ kid }) => kid)
    await register(encrypted)
    await signIn()
    // The next key waits for its time
    write(old, { ...next, nbf: now + 3600 })
    expect(await kids()).toEqual(['old'])
    await signIn()
    // The old key is over, and the provider has not looked: it goes on encrypting for it
    write({ ...old, exp: now - 86_400 - 60 }, next)
    expect(await kids()).toEqual(['next'])
    await signIn()
    // Registered anew, it fetches the JWK Set anew
    await register({ ...encrypted, name: 'a client that the provider has nothing of in its cache' })
    await signIn()
    write(next)
    await signIn()
    // The control: the old registration has the old key still, which is gone now
    await register(encrypted)
    expect((await browser().navigate(`${app.url}/profile`)).status).toBe(502)
    expect(events.at(-1)).toMatchObject({ type: 'login.failed', error: { code: 'ERR_ID_TOKEN' } })
  })

  test('the signed token that was inside is kept, and is the hint at a logout', async () => {
    const { app, events, signIn, register } = await start({
      session: { secret, keep: ['idToken', 'refreshToken', 'accessToken'] },
      idToken: { decryptionKey: ec.pem },
    })
    await register({
      idTokenEncryption: { alg: 'ECDH-ES+A256KW' },
      postLogoutRedirectUris: [`${app.url}/`],
    })
    const browser = await signIn()
    // Another access token, and another encrypted ID Token with it
    const refreshed = await browser.navigate(`${app.url}/refresh`)
    expect(JSON.parse(refreshed.text)).toMatchObject({ accessToken: expect.any(String) })
    expect(events.map(({ type }) => type)).toContain('token.refreshed')
    const { headers } = await browser.navigate(`${app.url}/logout`, { follow: false })
    const hint = new URL(String(headers.location)).searchParams.get('id_token_hint')
    expect(decodeProtectedHeader(String(hint))).toMatchObject({ alg: 'RS256' })
    expect(hint?.split('.')).toHaveLength(3)
    // The provider takes it, and sends the browser back
    expect((await browser.navigate(String(headers.location))).url).toMatch(`${app.url}/?state=`)
  })

  test('with a client secret the JWK Set has the decryption key alone', async () => {
    const { register, signIn, jwkSet } = await start({
      clientKey: undefined as never,
      clientAuth: { method: 'client_secret_basic', secret: 'a client secret of some length' },
      idToken: { decryptionKey: ec.pem },
    })
    expect((await jwkSet()).map(({ use }) => use)).toEqual(['enc'])
    await register({
      clientSecret: 'a client secret of some length',
      clientAuth: 'client_secret_basic',
      idTokenEncryption: { alg: 'ECDH-ES+A256KW' },
    })
    await signIn()
  })
})
