import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import {
  createRelyingParty,
  type HandshakeOptions,
  OidcError,
  type OidcEvent,
  type OpenSession,
  type RelyingParty,
} from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type App, startApp } from '../support/app.ts'
import { frameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

/** How an app answers what a socket sends. */
type Answer = (session: OpenSession) => unknown

describe.each(frameworks)('a WebSocket next to $name', (framework) => {
  let setting: Setting
  let app: App
  let relyingParty: RelyingParty
  const events: OidcEvent[] = []
  const sockets = new WebSocketServer({ noServer: true })
  const how: { answer: Answer; options: HandshakeOptions | undefined } = {
    answer: ({ user }) => user.sub,
    options: undefined,
  }

  beforeAll(async () => {
    setting = await startSetting(framework)
    app = await startApp(framework, {
      options: (baseUrl) => {
        relyingParty = createRelyingParty({
          issuer: setting.provider.issuer,
          clientId: 'app',
          clientKey: setting.privateKeyPem,
          baseUrl,
          session: { secret, keep: ['accessToken', 'refreshToken'] },
          onEvent: (event) => events.push(event),
        })
        return relyingParty
      },
    })
    app.server.on('upgrade', async (request, socket, head) => {
      socket.on('error', () => socket.destroy())
      const session = await relyingParty.session(request, how.options)
      if (!session) return socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return sockets.handleUpgrade(request, socket, head, (open) => {
        open.on('message', async () => open.send(JSON.stringify(await how.answer(session))))
      })
    })
  })
  afterAll(async () => {
    sockets.close()
    await app.close()
    await setting.close()
  })
  beforeEach(() => {
    setting.reset()
    events.length = 0
    how.answer = ({ user }) => user.sub
    how.options = undefined
  })

  /** What the app answers over a socket, or the status of its refusal. */
  async function visit(browser: UserAgent, origin: string | null = app.origin) {
    const cookie = browser.cookies(app.url).map((one) => one.cookieString())
    const socket = new WebSocket(`${app.url.replace('http', 'ws')}/socket`, {
      headers: { cookie: cookie.join('; ') },
      ...(origin !== null && { origin }),
    })
    const refused = once(socket, 'unexpected-response').then(([, response]) => {
      socket.terminate()
      return (response as IncomingMessage).statusCode
    })
    socket.on('error', () => {})
    const answered = once(socket, 'open').then(async () => {
      socket.send('who am I?')
      const [message] = await once(socket, 'message')
      socket.close()
      return JSON.parse(String(message))
    })
    return await Promise.race([answered, refused])
  }

  const signedIn = () => signIn({ ...setting, app })

  test('belongs to who is signed in', async () => {
    setting.provider.behave.sub = 'grace'
    const browser = await signedIn()
    expect(await visit(browser)).toBe('grace')
    how.answer = ({ claims, scope, sid, expiresAt, endsAt }) => ({
      iss: claims.iss,
      scope,
      sid: sid ?? null,
      expiresAt: typeof expiresAt,
      endsIn: Math.round((endsAt - Date.now() / 1000) / 3600),
    })
    expect(await visit(browser)).toMatchObject({
      iss: setting.provider.issuer,
      expiresAt: 'number',
      endsIn: 24,
    })
  })

  test('is refused to anybody else', async () => {
    expect(await visit(setting.browser())).toBe(401)
    const stranger = setting.browser()
    const [session] = (await signedIn())
      .cookies(app.url)
      .filter(({ key }) => /^oidc-[0-9a-f]{6}$/.test(key))
    stranger.setCookie(app.url, `${session?.key}=${session?.value.slice(0, -4)}AAAA; Path=/`)
    expect(await visit(stranger)).toBe(401)
    expect(events).toContainEqual({ type: 'session.unreadable', cookie: session?.key })
  })

  test.each([
    ['another site', 'https://evil.example'],
    ['another port', 'http://localhost:1'],
    ['a sandboxed frame', 'null'],
  ])('is refused to a page of %s, whoever is signed in', async (_name, origin) => {
    const browser = await signedIn()
    expect(await visit(browser, origin)).toBe(401)
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'request.refused',
        error: expect.objectContaining({ code: 'ERR_CROSS_SITE_REQUEST' }),
      }),
    )
    expect(await visit(browser)).not.toBe(401)
  })

  test('is refused to who names no origin at all, as no browser does', async () => {
    const browser = await signedIn()
    expect(await visit(browser, null)).toBe(401)
    expect(await visit(browser)).not.toBe(401)
  })

  test('is open to the other origins of the app', async () => {
    how.options = { origins: ['https://www.app.example/'] }
    const browser = await signedIn()
    expect(await visit(browser, 'https://www.app.example')).not.toBe(401)
    expect(await visit(browser, 'https://evil.example')).toBe(401)
    for (const origin of ['www.app.example', 'null', 'app:x', '*']) {
      await expect(
        relyingParty.session({ headers: { origin: 'null' } }, { origins: [origin] }),
      ).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', issues: [{ path: 'origins' }] })
    }
  })

  test('has the access token, and does not use up a refresh token that it could not replace', async () => {
    how.answer = (session) => session.accessToken()
    const browser = await signedIn()
    expect(await visit(browser)).toBe((await browser.navigate(`${app.url}/token`)).text)
    how.answer = (session) =>
      session
        .accessToken({ minLifetime: 1_000_000 })
        .catch((error: unknown) => (error instanceof OidcError ? error.code : String(error)))
    const before = setting.provider.requests.length
    expect(await visit(browser)).toBe('ERR_RESPONSE_STARTED')
    expect(setting.provider.requests.length).toBe(before)
  })
})
