import type { OidcEvent, SessionBackend } from '@countersign/core'
import { MemoryStore } from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { mainFrameworks } from '../support/frameworks.ts'
import { type Setting, secret, signIn, startAnotherApp, startSetting } from '../support/setting.ts'
import type { UserAgent } from '../support/user-agent.ts'

/** How the store's writes of tokens go: how many of them fail, and what the others wait for. */
interface StoreBehaviour {
  failures: number
  until: Promise<unknown>
}

/** A store without a lock, whose writes of tokens fail, or wait, when a test wants it. */
function createStore(): SessionBackend & { readonly behave: StoreBehaviour } {
  const inner = new MemoryStore()
  const behave: StoreBehaviour = { failures: 0, until: Promise.resolve() }
  return {
    behave,
    get: (id, done) => inner.get(id, done),
    destroy: (id, done) => inner.destroy(id, done),
    set(id, record, done) {
      if (!id.includes('tokens:')) return inner.set(id, record, done)
      if (behave.failures === 0) {
        return behave.until.then(() => inner.set(id, record, done), done)
      }
      behave.failures--
      done?.(new Error('the disk is full'))
    },
  }
}

/** Milliseconds that nothing here takes. */
const patience = 10_000

describe.each(mainFrameworks)('two apps on $name that share a store', (framework) => {
  const store = createStore()
  let one: Setting
  let other: Setting

  beforeAll(async () => {
    // Cookies are of a host, whatever its port
    const cookie = { name: 'shared' }
    const session = { secret, store, cookie, keep: ['accessToken', 'refreshToken'] as const }
    // The provider waits until a logout is over
    const options = { session, http: { timeout: patience / 1000 } }
    one = await startSetting(framework, options)
    other = await startAnotherApp(framework, one, options)
  })
  afterAll(async () => {
    await other.close()
    await one.close()
  })
  beforeEach(() => {
    one.reset()
    store.behave.failures = 0
    store.behave.until = Promise.resolve()
  })

  const refreshes = () =>
    one.provider
      .requestsTo('token')
      .filter(({ form }) => form.get('grant_type') === 'refresh_token')

  async function signInDue(): Promise<UserAgent> {
    one.provider.behave.accessTokenTtl = 10
    const browser = await signIn(one)
    one.provider.behave.accessTokenTtl = 3600
    return browser
  }

  const ask = async (browser: UserAgent, setting: Setting, path = '/token') => {
    const { status, text } = await browser.clone().navigate(setting.app.url + path)
    return { status, text }
  }

  const refreshesAre = (count: number) =>
    vi.waitUntil(() => refreshes().length === count, { timeout: patience, interval: 5 })

  /** Has the provider issue new tokens, and keep them to itself until it is told to answer. */
  function holdAnswer(): () => void {
    let answer = () => {}
    const told = new Promise<void>((resolve) => {
      answer = resolve
    })
    one.provider.behave.refreshedIdToken = {
      async wrap(signed) {
        await told
        return signed
      },
    }
    return answer
  }

  test('and have no lock use the tokens of whoever was faster', async () => {
    const browser = await signInDue()
    one.provider.behave.delay.token = 100
    // Nobody finds new tokens before both have asked for some
    store.behave.until = refreshesAre(2)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => ask(browser, index % 2 ? one : other)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
    // One was refused, and has looked again
    expect(refreshes()).toHaveLength(2)
  })

  test('lose no new tokens to a store that fails for a moment', async () => {
    const browser = await signInDue()
    store.behave.failures = 2
    const first = await ask(browser, one)
    expect(first.status).toBe(200)
    expect(await ask(browser, other)).toEqual(first)
    expect(refreshes()).toHaveLength(1)
  })

  // Seconds of waiting, whatever the framework
  if (framework === mainFrameworks[0]) {
    test('lose none to one that fails for longer, and say so meanwhile', async () => {
      const browser = await signInDue()
      store.behave.failures = 5
      const failed = await ask(browser, one)
      expect([failed.status, JSON.parse(failed.text).code]).toEqual([503, 'ERR_SESSION_STORE'])
      const first = await ask(browser, one)
      expect(first.status).toBe(200)
      expect(await ask(browser, other)).toEqual(first)
      expect(refreshes()).toHaveLength(1)
    })
  }

  test('keep the old refresh token where the provider gives no new one', async () => {
    one.provider.behave.rotateRefreshTokens = false
    const browser = await signInDue()
    const tokens = new Set<string>()
    for (const setting of [one, other, one]) {
      tokens.add((await ask(browser, setting, '/refresh')).text)
    }
    expect(tokens.size).toBe(3)
    expect(new Set(refreshes().map(({ form }) => form.get('refresh_token'))).size).toBe(1)
  })

  test('revoke tokens that come after a logout, and give them to nobody', async () => {
    const browser = await signInDue()
    const letAnswer = holdAnswer()
    // It comes too late at the provider
    one.provider.behave.raw.revocation = { status: 200 }
    const answer = ask(browser, one)
    await refreshesAre(1)
    const gone = await browser.navigate(`${other.app.url}/leave-here`, { follow: false })
    expect(gone.status).toBe(303)
    letAnswer()
    const { status, text } = await answer
    expect([status, JSON.parse(text).code]).toEqual([401, 'ERR_SESSION_ENDED'])
    // The old ones at the logout, the new ones after it
    const revoked = () => one.provider.requestsTo('revocation').map(({ form }) => form.get('token'))
    await expect.poll(() => new Set(revoked()).size, { timeout: patience }).toBe(4)
    const hints = one.provider
      .requestsTo('revocation')
      .map(({ form }) => form.get('token_type_hint'))
    expect(hints).toEqual(['refresh_token', 'access_token', 'refresh_token', 'access_token'])
    expect(JSON.parse((await ask(browser, one, '/public')).text).isAuthenticated).toBe(false)
  })

  test('a session that ends while a request waits its turn is not refreshed at all', async () => {
    const browser = await signInDue()
    const letAnswer = holdAnswer()
    const answers = [ask(browser, one), ask(browser, one, '/refresh')]
    await refreshesAre(1)
    await browser.navigate(`${one.app.url}/leave-here`, { follow: false })
    letAnswer()
    for (const { status } of await Promise.all(answers)) expect(status).toBe(401)
    expect(refreshes()).toHaveLength(1)
    const types = one.events.map(({ type }: OidcEvent) => type)
    expect(types).not.toContain('session.store_failed')
  })
})
