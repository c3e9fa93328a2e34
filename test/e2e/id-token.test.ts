import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { clientSecretPost } from '@countersign/core'
import type { JWK } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../support/setting.ts'

type Behave = Setting['provider']['behave']

type Claims = Readonly<Record<string, unknown>>

/** Changes claims; those of the moment are made when the token is. */
const claims = (change: Claims | ((now: number) => Claims)) => (behave: Behave) => {
  const make = typeof change === 'function' ? change : () => change
  behave.idToken = {
    claims: (honest) => ({ ...honest, ...make(Math.floor(Date.now() / 1000)) }),
  }
}
const foreignKey = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

/** What an attacker has of a key that is published. */
const publicKeyForms: [string, (key: JWK) => string][] = [
  ['as PEM', (key) => readPem(key)],
  ['as PEM without its last newline', (key) => readPem(key).trimEnd()],
  ['as a JWK', (key) => JSON.stringify(key)],
]

function readPem(key: JWK): string {
  return String(
    createPublicKey({ key: { ...key }, format: 'jwk' }).export({ type: 'spki', format: 'pem' }),
  )
}

describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, { userInfo: true })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  async function login() {
    const browser = setting.browser()
    const page = await browser.navigate(`${setting.app.url}/profile`)
    return { page, browser }
  }

  describe('an ID Token is refused', () => {
    // OIDC Core, 3.1.3.7, and the Basic RP plan of the conformance suite
    const faults: [string, (behave: Behave) => void, string, string?][] = [
      ['with another issuer', claims({ iss: 'https://evil.example' }), 'ERR_ID_TOKEN_CLAIM', 'iss'],
      ['without an issuer', claims({ iss: undefined }), 'ERR_ID_TOKEN_CLAIM', 'iss'],
      ['without a subject', claims({ sub: undefined }), 'ERR_ID_TOKEN_CLAIM', 'sub'],
      ['with an empty subject', claims({ sub: '' }), 'ERR_ID_TOKEN_CLAIM', 'sub'],
      ['with a subject that is no string', claims({ sub: 1 }), 'ERR_ID_TOKEN_CLAIM', 'sub'],
      ['for another audience', claims({ aud: 'app1' }), 'ERR_ID_TOKEN_CLAIM', 'aud'],
      ['without an audience', claims({ aud: undefined }), 'ERR_ID_TOKEN_CLAIM', 'aud'],
      ['for a second audience', claims({ aud: ['app', 'app1'] }), 'ERR_ID_TOKEN_CLAIM', 'aud'],
      [
        'for a second audience, though "azp" is right',
        claims({ aud: ['app', 'app1'], azp: 'app' }),
        'ERR_ID_TOKEN_CLAIM',
        'aud',
      ],
      ['with another "azp"', claims({ azp: 'app1' }), 'ERR_ID_TOKEN_CLAIM', 'azp'],
      ['that has expired', claims((now) => ({ exp: now - 360 })), 'ERR_ID_TOKEN_CLAIM', 'exp'],
      ['without an expiry', claims({ exp: undefined }), 'ERR_ID_TOKEN_CLAIM', 'exp'],
      ['without "iat"', claims({ iat: undefined }), 'ERR_ID_TOKEN_CLAIM', 'iat'],
      [
        'from the future',
        claims((now) => ({ iat: now + 3600, exp: now + 7200 })),
        'ERR_ID_TOKEN_CLAIM',
        'iat',
      ],
      ['not valid yet', claims((now) => ({ nbf: now + 3600 })), 'ERR_ID_TOKEN_CLAIM', 'nbf'],
      ['with another nonce', claims({ nonce: 'other' }), 'ERR_ID_TOKEN_CLAIM', 'nonce'],
      ['without a nonce', claims({ nonce: undefined }), 'ERR_ID_TOKEN_CLAIM', 'nonce'],
      [
        'with a wrong at_hash',
        claims({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
        'ERR_ID_TOKEN_CLAIM',
        'at_hash',
      ],
      [
        'that is not signed',
        (behave) => {
          behave.idToken = { alg: 'none' }
        },
        'ERR_ID_TOKEN',
      ],
      [
        'whose RS256 signature is wrong',
        (behave) => {
          behave.idToken = { corruptSignature: true }
        },
        'ERR_SIGNATURE',
      ],
      [
        'whose ES256 signature is wrong',
        (behave) => {
          behave.idToken = { alg: 'ES256', corruptSignature: true }
        },
        'ERR_SIGNATURE',
      ],
      [
        'whose EdDSA signature is wrong',
        (behave) => {
          behave.idToken = { alg: 'EdDSA', corruptSignature: true }
        },
        'ERR_SIGNATURE',
      ],
      [
        'signed with a key that is not published',
        (behave) => {
          behave.idToken = { key: foreignKey }
        },
        'ERR_SIGNATURE',
      ],
      [
        'naming a key that is not published',
        (behave) => {
          behave.idToken = { kid: 'unknown' }
        },
        'ERR_SIGNATURE',
      ],
      [
        'with critical headers unknown to us',
        (behave) => {
          behave.idToken = { header: (header) => ({ ...header, crit: ['x'], x: 1 }) }
        },
        'ERR_ID_TOKEN',
      ],
      [
        'that is no JWT',
        (behave) => {
          behave.idToken = { raw: 'not.a.jwt' }
        },
        'ERR_ID_TOKEN',
      ],
      [
        'that is encrypted',
        (behave) => {
          behave.idToken = { raw: 'eyJhbGciOiJkaXIifQ.a.b.c.d' }
        },
        'ERR_ID_TOKEN',
      ],
      [
        'that is not there',
        (behave) => {
          behave.idToken = { raw: false }
        },
        'ERR_ID_TOKEN',
      ],
    ]

    test.each(faults)('%s', async (_name, misbehave, code, claim) => {
      misbehave(setting.provider.behave)
      const { page, browser } = await login()
      expect(page.status).toBe(502)
      const [failed] = setting.told('login.failed')
      expect(failed?.error).toMatchObject({ code })
      if (claim) expect(failed?.error.message).toContain(`"${claim}"`)
      expect(page.text).toContain(failed?.reference)
      // Nobody is signed in, and nothing more was asked with these tokens
      expect(setting.provider.requestsTo('userinfo')).toEqual([])
      expect(
        JSON.parse((await browser.navigate(`${setting.app.url}/public`)).text).isAuthenticated,
      ).toBe(false)
      // The app is up, and the next honest login works
      setting.provider.reset()
      expect((await browser.navigate(`${setting.app.url}/profile`)).status).toBe(200)
    })

    // RFC 8725, 2.1
    test.each(publicKeyForms)(
      'signed with HS256 under the public key %s, even where the provider offers HS256',
      async (_form, write) => {
        const { provider } = setting
        const { publicJwk } = provider.keys.find(({ alg }) => alg === 'RS256') ?? expect.fail()
        const key = write(publicJwk)
        provider.behave.metadata = (honest) => ({
          ...honest,
          id_token_signing_alg_values_supported: ['RS256', 'HS256'],
        })
        provider.behave.idToken = { alg: 'HS256', key: Buffer.from(key), kid: publicJwk.kid }
        const asymmetric = await startAnotherApp(framework, setting)
        // The control: with the same text for a client secret, the same signature is right
        provider.registerClient({ clientId: 'control', clientSecret: key })
        const control = await startAnotherApp(framework, setting, {
          clientId: 'control',
          clientKey: undefined as never,
          clientAuth: clientSecretPost(key),
          idToken: { alg: 'HS256' },
        })
        try {
          const page = await asymmetric.browser().navigate(`${asymmetric.app.url}/profile`)
          expect(asymmetric.told('login.failed')[0]?.error.code).toBe('ERR_ID_TOKEN')
          expect(page.status).toBe(502)
          const accepted = await control.browser().navigate(`${control.app.url}/profile`)
          expect(control.told('login.failed')).toEqual([])
          expect(accepted.status).toBe(200)
        } finally {
          await Promise.all([asymmetric.close(), control.close()])
        }
      },
    )

    test('and neither page nor event holds any of it', async () => {
      setting.provider.behave.idToken = { corruptSignature: true }
      const { page } = await login()
      const seen = JSON.stringify(setting.events) + page.text
      expect(seen).not.toMatch(/\beyJ[\w-]{5}/)
      for (const request of setting.provider.requestsTo('token')) {
        for (const name of ['code', 'code_verifier', 'client_assertion']) {
          expect(seen).not.toContain(request.form.get(name))
        }
      }
    })
  })

  describe('an ID Token is accepted', () => {
    const fine: [string, (behave: Behave) => void][] = [
      ['with a list of one audience', claims({ aud: ['app'] })],
      ['with "azp" naming us', claims({ azp: 'app' })],
      ['that expired within the tolerance', claims((now) => ({ exp: now - 5 }))],
      ['from a clock a little ahead', claims((now) => ({ iat: now + 20 }))],
      [
        'signed with PS256',
        (behave) => {
          behave.idToken = { alg: 'PS256' }
        },
      ],
      [
        'signed with ES256',
        (behave) => {
          behave.idToken = { alg: 'ES256' }
        },
      ],
      [
        'signed with EdDSA',
        (behave) => {
          behave.idToken = { alg: 'EdDSA' }
        },
      ],
      [
        'without "kid", where one key fits',
        (behave) => {
          behave.idToken = { kid: false }
          behave.jwks = (keys) =>
            keys.filter(({ alg }) => alg === 'RS256').map(({ kid: _, ...key }) => key)
        },
      ],
      [
        'among decoys: keys with the same "kid" and of curves unknown to us',
        (behave) => {
          behave.jwks = (keys) => [
            { kty: 'EC', crv: 'secp256k1', kid: String(keys[0]?.kid), x: 'AA', y: 'AA' },
            ...keys,
            { kty: 'unknown', kid: String(keys[0]?.kid) },
          ]
        },
      ],
    ]

    test.each(fine)('%s', async (_name, behave) => {
      // A new app, which knows none of the provider's keys
      const fresh = await startAnotherApp(framework, setting)
      try {
        behave(fresh.provider.behave)
        const page = await fresh.browser().navigate(`${fresh.app.url}/profile`)
        expect(fresh.told('login.failed')).toEqual([])
        expect(page.status).toBe(200)
      } finally {
        await fresh.close()
      }
    })

    test('signed with keys that are new since the last login, however short ago', async () => {
      expect((await login()).page.status).toBe(200)
      for (let rotation = 0; rotation < 2; rotation++) {
        setting.provider.behave.rotateBeforeSigning = true
        expect((await login()).page.status).toBe(200)
      }
      expect(setting.provider.requestsTo('jwks').length).toBeGreaterThanOrEqual(2)
    })

    test('only if its keys can be had at all', async () => {
      const fresh = await startAnotherApp(framework, setting)
      try {
        fresh.provider.behave.raw.jwks = { body: '<html>a captive portal</html>' }
        const page = await fresh.browser().navigate(`${fresh.app.url}/profile`)
        expect(page.status).toBe(503)
        expect(fresh.told('login.failed')[0]?.error).toMatchObject({
          code: 'ERR_JWKS',
          message: expect.stringContaining(`${fresh.provider.issuer}/jwks`),
        })
      } finally {
        await fresh.close()
      }
    })

    test('without "kid" among several keys that could be it: not at all, and nothing crashes', async () => {
      const fresh = await startAnotherApp(framework, setting)
      try {
        fresh.provider.behave.idToken = { kid: false }
        fresh.provider.behave.jwks = (keys) => [
          ...keys.map(({ kid: _, alg: _alg, ...key }) => key),
          ...fresh.provider.keys.map(({ publicJwk: { kid: _, alg: _alg, ...key } }) => key),
        ]
        const page = await fresh.browser().navigate(`${fresh.app.url}/profile`)
        expect(page.status).toBe(502)
        expect(fresh.told('login.failed')[0]?.error.code).toBe('ERR_SIGNATURE')
      } finally {
        await fresh.close()
      }
    })
  })

  describe('UserInfo', () => {
    test('is merged into the user', async () => {
      setting.provider.behave.userinfo = (honest) => ({ ...honest, department: 'Analysis' })
      expect(JSON.parse((await login()).page.text)).toMatchObject({ department: 'Analysis' })
    })

    test('of another subject is not used', async () => {
      setting.provider.behave.userinfo = (honest) => ({ ...honest, sub: `${honest['sub']}invalid` })
      const { page } = await login()
      expect(page.status).toBe(502)
      expect(setting.told('login.failed')[0]?.error).toMatchObject({ code: 'ERR_ID_TOKEN_CLAIM' })
    })

    test('sends the access token in the header and nowhere else', async () => {
      await login()
      const [request] = setting.provider.requestsTo('userinfo')
      expect(request?.headers.authorization).toMatch(/^Bearer /i)
      expect([...(request?.query ?? [])]).toEqual([])
      expect([...(request?.form ?? [])]).toEqual([])
    })
  })

  describe('with HS256 named and a client secret', () => {
    const clientSecret = 'a client secret of thirty-two bytes or more'
    let symmetric: Setting
    beforeAll(async () => {
      symmetric = await startAnotherApp(framework, setting, {
        clientId: 'symmetric',
        clientKey: undefined as never,
        clientAuth: clientSecretPost(clientSecret),
        idToken: { alg: 'HS256' },
        session: { secret },
      })
      symmetric.provider.registerClient({ clientId: 'symmetric', clientSecret })
    })
    afterAll(() => symmetric.close())

    test('an ID Token under the secret is accepted, and one under another is not', async () => {
      const { provider, app } = symmetric
      provider.behave.idToken = { alg: 'HS256', key: new TextEncoder().encode(clientSecret) }
      expect((await symmetric.browser().navigate(`${app.url}/profile`)).status).toBe(200)
      provider.behave.idToken = { alg: 'HS256', key: new TextEncoder().encode(`${clientSecret}!`) }
      expect((await symmetric.browser().navigate(`${app.url}/profile`)).status).toBe(502)
      expect(symmetric.told('login.failed')[0]?.error.code).toBe('ERR_SIGNATURE')
      provider.behave.idToken = { alg: 'RS256' }
      expect((await symmetric.browser().navigate(`${app.url}/profile`)).status).toBe(502)
    })
  })
})
