import { createConnection } from 'node:net'
import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../../support/setting.ts'
import {
  isSignedIn,
  postToBackChannel,
  readJson,
  signInAs,
  signLogoutToken,
} from '../support/logout-tokens.ts'

// OpenID Connect Back-Channel Logout 1.0, 4: anybody can post to that URI
describe.each(mainFrameworks)('on $name', (framework) => {
  let setting: Setting
  let idToken = ''
  beforeAll(async () => {
    setting = await startSetting(framework, {
      session: { secret, store: new session.MemoryStore(), keep: ['idToken'] },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => {
    setting.reset()
    setting.provider.behave.tokens = (tokens) => {
      idToken = String(tokens['id_token'])
      return tokens
    }
  })

  const post = (logout_token: string) => postToBackChannel(setting.app.url, { logout_token })

  test('a page of another site that posts there in the browser of the victim signs nobody out', async () => {
    const victim = await signInAs(setting, 'victim', 'one')
    const url = `${setting.app.url}/backchannel-logout`
    for (const form of [{}, { logout_token: 'x' }, { sub: 'victim', sid: 'one' }]) {
      const page = await victim.post(url, form, { origin: 'https://attacker.example' })
      expect(page.status).toBe(400)
      expect(page.setCookies).toEqual([])
    }
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('an ID Token, also one that an attacker got for himself, is no Logout Token', async () => {
    const victim = await signInAs(setting, 'victim', 'one')
    expect(idToken).toMatch(/^eyJ/)
    expect((await post(idToken)).status).toBe(400)
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('a token for another client of the same provider is refused', async () => {
    const victim = await signInAs(setting, 'victim', 'one')
    for (const aud of ['another', ['another'], ['app', 'another'], '', []]) {
      const token = signLogoutToken(setting.provider, { sub: 'victim', aud })
      expect((await post(token)).status).toBe(400)
    }
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('a token that was read on its way does not sign out who signs in after it', async () => {
    const token = signLogoutToken(setting.provider, { sub: 'victim' })
    expect((await post(token)).status).toBe(200)
    const victim = await signInAs(setting, 'victim', 'two')
    // Nor of many at once
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(token)))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400])
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('a token signed under the public key, or the client id, as a secret is refused', async () => {
    const victim = await signInAs(setting, 'victim', 'one')
    const [rsa] = setting.provider.keys
    for (const key of [JSON.stringify(rsa?.publicJwk), 'app']) {
      const claims = { sub: 'victim' }
      const how = { alg: 'HS256', key: Buffer.from(key) } as const
      expect((await post(signLogoutToken(setting.provider, claims, how))).status).toBe(400)
    }
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('an answer, and what is told, repeats nothing that was sent', async () => {
    const mark = '<script>alert(1)</script>'
    const token = signLogoutToken(setting.provider, { sub: mark, jti: mark.repeat(50) })
    const answer = await post(token)
    expect(answer.status).toBe(400)
    expect(await answer.text()).not.toContain('alert')
    expect(JSON.stringify(setting.events)).not.toContain(token.slice(-40))
  })

  test('a body without end is refused, and is not kept', async () => {
    const answer = await post('x'.repeat(200_000))
    expect(answer.status).toBe(400)
    expect((await readJson(answer))['error']).toBe('invalid_request')
  })

  test('a body that never ends keeps nobody else waiting', async () => {
    const { port } = new URL(setting.app.url)
    const slow = Array.from({ length: 20 }, () => createConnection(Number(port), '127.0.0.1'))
    try {
      for (const socket of slow) {
        socket.on('error', () => {})
        socket.write(
          'POST /backchannel-logout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n' +
            'Content-Type: application/x-www-form-urlencoded\r\n\r\nlogout_token=',
        )
      }
      const victim = await signInAs(setting, 'ada', 'slow')
      const token = signLogoutToken(setting.provider, { sub: 'ada', sid: 'slow' })
      expect((await post(token)).status).toBe(200)
      expect(await isSignedIn(setting, victim)).toBe(false)
    } finally {
      for (const socket of slow) socket.destroy()
    }
  })

  test('keys that are not there are asked for once a second at most', async () => {
    const { provider } = setting
    const restarted = await startAnotherApp(framework, setting, {
      session: { secret, store: new session.MemoryStore() },
    })
    try {
      const unknown = signLogoutToken(provider, { sub: 'ada' }, { kid: 'made up' })
      const posts = Array.from({ length: 30 }, () =>
        postToBackChannel(restarted.app.url, { logout_token: unknown }),
      )
      for (const answer of await Promise.all(posts)) expect(answer.status).toBe(400)
      expect(provider.requestsTo('jwks').length).toBeLessThanOrEqual(3)
    } finally {
      await restarted.close()
    }
  })
})
