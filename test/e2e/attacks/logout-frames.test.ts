import session from 'express-session'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { mainFrameworks } from '../../support/frameworks.ts'
import { type Setting, secret, startAnotherApp, startSetting } from '../../support/setting.ts'
import { isSignedIn, signInAs } from '../support/logout-tokens.ts'

const attacker = 'https://attacker.example'

describe.each(mainFrameworks)('on $name', (framework) => {
  const store = new session.MemoryStore()
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework, {
      session: { secret, store, cookie: { name: 'session' } },
    })
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  test('a frame on a page of an attacker signs out nobody whose sid he does not know', async () => {
    const victim = await signInAs(setting, 'victim', 'long-and-random')
    const iss = setting.provider.issuer
    const guesses = [{}, { iss }, { iss, sid: '' }, { iss, sid: 'long' }, { iss, sid: '*' }]
    for (const guess of guesses) {
      const url = `${setting.app.url}/frontchannel-logout?${new URLSearchParams(guess)}`
      await victim.navigate(url, { from: attacker, destination: 'iframe' })
      // Where a browser sends the cookie along: by a link
      await victim.navigate(url, { from: attacker })
    }
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('what he may frame is not ours to see: the frame is for the provider alone', async () => {
    const iss = setting.provider.issuer
    await signInAs(setting, 'victim', 'one')
    const url = `${setting.app.url}/frontchannel-logout?${new URLSearchParams({ iss, sid: 'x' })}`
    const page = await setting.browser().navigate(url, { from: attacker, destination: 'iframe' })
    const policy = page.headers['content-security-policy']
    expect(policy).toBe(`default-src 'none'; frame-ancestors ${iss}`)
  })

  test('a frame for an issuer that is not ours ends no session of the same sid', async () => {
    const victim = await signInAs(setting, 'victim', 'one')
    const query = new URLSearchParams({ iss: attacker, sid: 'one' })
    const url = `${setting.app.url}/frontchannel-logout?${query}`
    expect((await victim.navigate(url, { destination: 'iframe' })).status).toBe(400)
    expect(await isSignedIn(setting, victim)).toBe(true)
  })

  test('with several processes and made-up ids by the hundred, the store does not grow', async () => {
    const another = await startAnotherApp(framework, setting, {
      session: { secret, store, cookie: { name: 'session' } },
    })
    const count = () =>
      new Promise<number>((resolve, reject) =>
        store.length((error, length = 0) => (error ? reject(error) : resolve(length))),
      )
    try {
      const before = await count()
      const iss = setting.provider.issuer
      const asked = Array.from({ length: 100 }, (_, index) => {
        const query = new URLSearchParams({ iss, sid: `made up ${index}` })
        const { url } = (index % 2 === 0 ? setting : another).app
        return fetch(`${url}/frontchannel-logout?${query}`)
      })
      for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200)
      expect(await count()).toBe(before)
    } finally {
      await another.close()
    }
  })

  test.each([
    'https://attacker.example/',
    '//attacker.example',
    '/\\attacker.example',
    '/.//attacker.example',
    'javascript:alert(1)',
    '/%5cattacker.example',
  ])('a logout leads to no other site: %s', async (returnTo) => {
    const victim = await signInAs(setting, 'victim')
    const url = `${setting.app.url}/logout?${new URLSearchParams({ returnTo })}`
    const out = await victim.post(url, {}, { follow: false })
    const { origin, searchParams } = new URL(out.headers.location ?? '')
    expect(origin).toBe(setting.provider.issuer)
    const back = searchParams.get('post_logout_redirect_uri') ?? ''
    expect(new URL(back).origin).toBe(setting.app.origin)
    expect(back).not.toContain('attacker')
  })

  test('a page that says somebody is signed out cannot be made to lead elsewhere', async () => {
    const victim = await signInAs(setting, 'victim')
    const url = `${setting.app.url}/logout?returnTo=/profile`
    await victim.post(url, {}, { follow: false })
    const page = await victim.navigate(
      `${setting.app.url}/profile?state="><a href="${attacker}">&x='`,
      { from: attacker },
    )
    expect(page.text).toContain('You are signed out')
    const links = [...page.text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? '')
    expect(links).toHaveLength(1)
    expect(links[0]).toMatch(/^\/profile\?/)
  })
})
