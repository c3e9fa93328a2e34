import type { EventError, Options } from '@countersign/core'
import { generateClientKey } from '@countersign/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Framework } from '../support/app.ts'
import { type Double, startDouble } from '../support/provider-double.ts'
import { type Setting, startAnotherApp } from '../support/setting.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'
import { guardedFrameworks } from './support/guarded-apps.ts'

const substantial = 'idporten-loa-substantial'
const high = 'idporten-loa-high'
const authOnly = 'urn:acr.login.gov:auth-only'

const frameworks = guardedFrameworks({
  '/profile': {},
  '/substantial': { acr: substantial },
  '/high': { acr: high },
  '/medium': { acr: 'Cl.Cm' },
  '/medium-backwards': { acr: 'Cm.Cl' },
  '/identity': { acr: 'Cl.Cm.P2' },
  '/otp': { amr: 'otp' },
})

let provider: Double
let privateKeyPem: string
beforeAll(async () => {
  provider = await startDouble()
  const key = await generateClientKey('RS256')
  privateKeyPem = key.privateKeyPem
  provider.registerClient({ clientId: 'app', jwks: { keys: [...key.jwks.keys] } })
})
afterAll(() => provider.close())

/** One app at the double, with the preset of a provider. */
function useApp(framework: Framework, overrides: Partial<Options>) {
  let setting: Setting
  let browser: UserAgent
  beforeAll(async () => {
    setting = await startAnotherApp(framework, { provider, privateKeyPem }, overrides)
  })
  afterAll(() => setting.close())
  beforeEach(() => {
    setting.reset()
    browser = setting.browser()
  })

  const visit = (path: string): Promise<Page> => browser.navigate(setting.app.url + path)
  return {
    visit,
    /** The Authentication Requests so far. */
    requests: () => provider.requestsTo('authorization').map(({ query }) => query),
    /** Visits a page, and returns the claims that it shows, and whether the provider was asked. */
    async enter(path: string): Promise<{ claims: Record<string, unknown>; wasAsked: boolean }> {
      const count = provider.requestsTo('authorization').length
      const { status, text } = await visit(path)
      expect(status, text).toBe(200)
      const wasAsked = provider.requestsTo('authorization').length > count
      return { claims: JSON.parse(text), wasAsked }
    },
    /** Visits a page in vain; nobody is signed in by that. */
    async expectRefused(path: string): Promise<EventError> {
      const { status, headers } = await visit(path)
      expect([status, headers['content-type']]).toEqual([403, 'text/html; charset=utf-8'])
      const [failed, ...others] = setting.told('login.failed')
      expect(others).toEqual([])
      return failed?.error ?? expect.unreachable('no login has failed')
    },
    async isSignedIn(): Promise<boolean> {
      return JSON.parse((await visit('/public')).text).isAuthenticated
    },
    failures: () => setting.told('login.failed').map(({ error }) => error),
  }
}

const tooWeak = 'the provider signed the End-User in, but not as strongly as was asked: '

describe.each(frameworks)('on $name', (framework) => {
  describe('an app at ID-porten that asks for the highest level', () => {
    const app = useApp(framework, {
      provider: 'id-porten',
      authorization: { acr_values: high },
    })

    test.each([
      ['the level below', substantial, `"acr" is "${substantial}"`],
      ['a level that nobody knows', 'idporten-loa-highest', '"acr" is "idporten-loa-highest"'],
      ['no level', false, '"acr" is null'],
    ] as const)('refuses %s, and signs in at the next login', async (_name, acr, found) => {
      provider.behave.acr = acr
      const error = await app.expectRefused('/profile')
      expect(error.code).toBe('ERR_STEP_UP')
      expect(error.message).toBe(`${tooWeak}${found}, and ${high} was asked for`)
      expect(await app.isSignedIn()).toBe(false)
      delete provider.behave.acr
      expect((await app.enter('/profile')).claims['acr']).toBe(high)
      expect(await app.isSignedIn()).toBe(true)
      for (const request of app.requests()) expect(request.get('acr_values')).toBe(high)
    })
  })

  describe('an app at ID-porten that asks for the lower level', () => {
    const app = useApp(framework, {
      provider: 'id-porten',
      authorization: { acr_values: substantial },
    })

    test('takes a higher one, and so does each guard', async () => {
      provider.behave.acr = high
      expect((await app.enter('/profile')).claims['acr']).toBe(high)
      expect((await app.enter('/substantial')).wasAsked).toBe(false)
      expect((await app.enter('/high')).wasAsked).toBe(false)
    })

    test('is stepped up where a guard wants the higher one, once', async () => {
      expect((await app.enter('/substantial')).claims['acr']).toBe(substantial)
      const { wasAsked, claims } = await app.enter('/high')
      expect([wasAsked, claims['acr']]).toEqual([true, high])
      expect(app.requests().map((request) => request.get('acr_values'))).toEqual([
        substantial,
        high,
      ])
      expect((await app.enter('/high')).wasAsked).toBe(false)
      expect((await app.enter('/substantial')).wasAsked).toBe(false)
    })

    test('is not stepped up by the lower one, and stays signed in', async () => {
      await app.enter('/profile')
      provider.behave.acr = substantial
      expect((await app.expectRefused('/high')).code).toBe('ERR_STEP_UP')
      expect((await app.enter('/substantial')).wasAsked).toBe(false)
    })
  })

  describe('an app at ID-porten that asks for no level', () => {
    const app = useApp(framework, { provider: 'id-porten' })

    test('is stepped up by a higher one than its guard wants', async () => {
      expect((await app.enter('/profile')).claims).not.toHaveProperty('acr')
      provider.behave.acr = high
      const { wasAsked, claims } = await app.enter('/substantial')
      expect([wasAsked, claims['acr']]).toEqual([true, high])
    })
  })

  describe('an app at GOV.UK One Login', () => {
    const app = useApp(framework, {
      provider: 'govuk-one-login',
      authorization: { acr_values: 'Cl.Cm' },
    })
    const answer = (vot: string | undefined) => {
      provider.behave.claims = vot === undefined ? {} : { vot }
    }

    test('asks with "vtr" alone, and finds the "vot" as "acr"', async () => {
      answer('Cl.Cm')
      expect((await app.enter('/profile')).claims).toMatchObject({ vot: 'Cl.Cm', acr: 'Cl.Cm' })
      const [request] = app.requests()
      expect(request?.get('vtr')).toBe('["Cl.Cm"]')
      expect(request?.has('acr_values')).toBe(false)
    })

    test.each(['/medium', '/medium-backwards', '/identity'])(
      'lets the credentials pass at %s, without another login',
      async (path) => {
        answer('Cl.Cm')
        await app.enter('/profile')
        expect((await app.enter(path)).wasAsked).toBe(false)
      },
    )

    test.each([
      ['weaker credentials', 'Cl', '"vot" is "Cl"'],
      ['no credentials', 'P2', '"vot" is "P2"'],
      ['no vector', undefined, '"vot" is null'],
    ])('refuses %s, and signs in at the next login', async (_name, vot, found) => {
      answer(vot)
      const error = await app.expectRefused('/profile')
      expect(error.code).toBe('ERR_STEP_UP')
      expect(error.message).toBe(`${tooWeak}${found}, and Cl.Cm was asked for`)
      expect(await app.isSignedIn()).toBe(false)
      answer('Cl.Cm')
      await app.enter('/profile')
      expect(await app.isSignedIn()).toBe(true)
    })

    test('does not take an "acr" for the "vot"', async () => {
      provider.behave.claims = { acr: 'Cl.Cm' }
      expect((await app.expectRefused('/profile')).code).toBe('ERR_STEP_UP')
    })
  })

  describe('an app at GOV.UK One Login that asks for either of two vectors', () => {
    const app = useApp(framework, {
      provider: 'govuk-one-login',
      authorization: { acr_values: 'Cl.Cm Cl' },
    })

    test('is content with the second, and stepped up with "vtr"', async () => {
      provider.behave.claims = { vot: 'Cl' }
      await app.enter('/profile')
      provider.behave.claims = { vot: 'Cl.Cm' }
      const { wasAsked, claims } = await app.enter('/identity')
      expect([wasAsked, claims['acr']]).toEqual([true, 'Cl.Cm'])
      const asked = app.requests().map((query) => [query.get('vtr'), query.has('acr_values')])
      expect(asked).toEqual([
        ['["Cl.Cm","Cl"]', false],
        ['["Cl.Cm.P2"]', false],
      ])
    })

    test('is not stepped up by the weaker one', async () => {
      provider.behave.claims = { vot: 'Cl' }
      await app.enter('/profile')
      expect((await app.expectRefused('/medium')).code).toBe('ERR_STEP_UP')
    })
  })

  describe('an app at Login.gov', () => {
    const app = useApp(framework, {
      provider: 'login-gov',
      authorization: { acr_values: authOnly },
    })

    test('refuses another service level than it asked for', async () => {
      provider.behave.acr = 'urn:acr.login.gov:verified'
      const { code, message } = await app.expectRefused('/profile')
      expect(code).toBe('ERR_STEP_UP')
      expect(message).toBe(
        `${tooWeak}"acr" is "urn:acr.login.gov:verified", and ${authOnly} was asked for`,
      )
      expect(await app.isSignedIn()).toBe(false)
    })

    test('never sends the "prompt" that is refused there, though a method is wanted', async () => {
      await app.enter('/profile')
      provider.behave.amr = ['pwd', 'otp']
      expect((await app.enter('/otp')).wasAsked).toBe(true)
      const prompts = app.requests().map((request) => request.get('prompt'))
      expect(prompts).toEqual(['select_account', 'select_account'])
    })
  })

  describe('an app at Login.gov whose parameters come from a function', () => {
    let given: Readonly<Record<string, string>> = {}
    const app = useApp(framework, { provider: 'login-gov', authorization: () => given })

    test('sends nobody there without what is required, and says what it is', async () => {
      given = {}
      const { status, text } = await app.visit('/profile')
      expect(status).toBe(500)
      expect(text).not.toContain('acr_values')
      expect(app.requests()).toEqual([])
      const [error] = app.failures()
      expect(error?.code).toBe('ERR_CONFIGURATION')
      expect(error?.message).toBe(
        'the configuration has a fault:\n  authorization.acr_values: is required by Login.gov',
      )
    })

    test('signs in with it', async () => {
      given = { acr_values: authOnly }
      expect((await app.enter('/profile')).claims['acr']).toBe(authOnly)
    })
  })
})
