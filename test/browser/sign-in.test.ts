import { join } from 'node:path'
import { generateClientKey, type Provider, startProvider } from '@countersign/testing'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  exampleNames,
  type RegisteredExample,
  startRegisteredExample,
} from '../support/examples.ts'
import { launchChromium, skipReason, stepTimeout } from './support/chromium.ts'
import { formPostApps, startFormPostApp } from './support/form-post-app.ts'

const artifacts = new URL('../.artifacts/', import.meta.url).pathname
const title = 'signing in with Chromium'

describe.skipIf(skipReason)(skipReason === undefined ? title : `${title} (${skipReason})`, () => {
  let browser: Browser
  let provider: Provider
  let context: BrowserContext
  let page: Page

  beforeAll(async () => {
    browser = await launchChromium()
    provider = await startProvider()
  })
  afterAll(async () => {
    await browser?.close()
    await provider?.close()
  })
  beforeEach(async () => {
    context = await browser.newContext()
    context.setDefaultTimeout(stepTimeout)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  function heading(tab: Page = page): Promise<string | null> {
    return tab.getByRole('heading', { level: 1 }).textContent()
  }

  /** The page with this heading, after a click: the one that was clicked on may be there for a while. */
  function arrive(name: string, tab: Page = page): Promise<void> {
    return tab.getByRole('heading', { level: 1, name, exact: true }).waitFor()
  }

  describe.each(exampleNames)('at the %s example', (name) => {
    let example: RegisteredExample

    beforeAll(async () => {
      example = await startRegisteredExample(name, provider)
    })
    afterAll(async () => {
      await example?.stop()
    })

    async function signIn(tab: Page = page): Promise<void> {
      await tab.getByRole('button', { name: 'Continue as Ada Lovelace' }).click()
      await tab.waitForURL(`${example.url}/**`)
    }

    test('a protected page is shown after a login, with the claims and the key', async () => {
      await page.goto(example.url)
      expect(await heading()).toBe('Sign in, countersigned.')
      await page.getByRole('link', { name: 'Open a protected page' }).click()
      await page.waitForURL(`${provider.issuer}/sign-in/*`)
      await signIn()

      expect(page.url()).toBe(`${example.url}/profile`)
      expect(await heading()).toBe('Ada Lovelace')
      const row = page.getByRole('row').filter({ has: page.getByText('email', { exact: true }) })
      expect(await row.getByRole('cell').textContent()).toBe('ada@example.com')
      const jwkSet = await context.request.get(`${example.url}/.well-known/jwks.json`)
      const { keys } = await jwkSet.json()
      await page.getByText(keys[0].kid).waitFor()
      await page.getByText(`Signed in at ${provider.issuer}`).waitFor()
      expect(await (await context.request.get(`${example.url}/api/me`)).json()).toMatchObject({
        sub: 'ada',
      })
    })

    test.each([
      ['works without scripts', false],
      ['keeps to its own content security policy', true],
    ])('every page %s', async (_title, javaScriptEnabled) => {
      const another = await browser.newContext({ javaScriptEnabled })
      another.setDefaultTimeout(stepTimeout)
      const tab = await another.newPage()
      const complaints: string[] = []
      tab.on('console', (message) => complaints.push(message.text()))
      tab.on('pageerror', (error) => complaints.push(error.message))
      try {
        await tab.goto(example.url)
        await tab.getByRole('link', { name: 'Sign in' }).first().click()
        await arrive('Choose who you are', tab)
        await signIn(tab)
        expect(await heading(tab)).toBe('Hello, Ada Lovelace')
        await tab.getByRole('link', { name: 'See your profile' }).click()
        await arrive('Ada Lovelace', tab)
        await tab.getByRole('button', { name: 'Sign out' }).click()
        await tab.waitForURL(`${provider.issuer}/**`)
        await tab.getByRole('button', { name: 'Sign out' }).click()
        await tab.waitForURL(`${example.url}/*`)
        expect(await heading(tab)).toBe('Sign in, countersigned.')
        expect(complaints).toEqual([])
      } finally {
        await another.close()
      }
    })

    test('the session is in one cookie that scripts cannot read, and no other is left', async () => {
      await page.goto(`${example.url}/profile`)
      await signIn()
      const cookies = await context.cookies(example.url)
      const session = cookies.filter(({ name }) => /^oidc-[0-9a-f]{6}$/.test(name))
      expect(session).toMatchObject([
        { httpOnly: true, sameSite: 'Lax', path: '/', secure: false, domain: 'localhost' },
      ])
      expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true)
      expect(await page.evaluate('document.cookie')).toBe('')
    })

    test.each([
      ['in the order in which they began', [0, 1]],
      ['in the other order', [1, 0]],
    ] as const)('two tabs that sign in at once both arrive, %s', async (_order, order) => {
      const tabs = [page, await context.newPage()] as const
      await tabs[0].goto(`${example.url}/profile?tab=0`)
      await tabs[1].goto(`${example.url}/profile?tab=1`)
      for (const index of order) {
        await signIn(tabs[index])
        expect(tabs[index].url()).toBe(`${example.url}/profile?tab=${index}`)
        expect(await heading(tabs[index])).toBe('Ada Lovelace')
      }
    })

    test('the back and forward buttons after a login lead to no error of the app', async () => {
      await page.goto(example.url)
      await page.goto(`${example.url}/profile`)
      await signIn()
      // A page of the provider that was used is over, and it says so itself
      const over = [provider.issuer, 'This sign-in is over']
      for (const [step, expected] of [
        ['goBack', over],
        ['goBack', [example.url, 'Hello, Ada Lovelace']],
        ['goForward', over],
        ['goForward', [example.url, 'Ada Lovelace']],
      ] as const) {
        await page[step]()
        expect([new URL(page.url()).origin, await heading()]).toEqual(expected)
      }
      await page.goto(example.url)
      expect(await heading()).toBe('Hello, Ada Lovelace')
    })

    test('the callback opened once more ends at the page, signed in', async () => {
      const callbacks: string[] = []
      page.on('request', (request) => {
        if (request.url().startsWith(`${example.url}/callback`)) callbacks.push(request.url())
      })
      await page.goto(`${example.url}/profile`)
      await signIn()
      await page.goto(callbacks[0] ?? '')
      expect(page.url()).toBe(`${example.url}/profile`)
      expect(await heading()).toBe('Ada Lovelace')
    })

    test('who cancels at the provider can try again', async () => {
      await page.goto(`${example.url}/profile`)
      await page.getByRole('button', { name: 'Cancel' }).click()
      await page.waitForURL(`${example.url}/callback*`)
      expect(await heading()).toBe('You were not signed in')
      await page.getByRole('link', { name: 'Try again' }).click()
      await signIn()
      await page.goto(`${example.url}/profile`)
      expect(await heading()).toBe('Ada Lovelace')
    })

    test('signing out ends the session here and at the provider', async () => {
      await page.goto(`${example.url}/profile`)
      await signIn()
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${provider.issuer}/**`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${example.url}/*`)
      expect(await heading()).toBe('Sign in, countersigned.')
      expect(new URL(page.url()).pathname).toBe('/')

      await page.goBack()
      expect(await page.getByText('ada@example.com').count()).toBe(0)
      await page.goto(`${example.url}/profile`)
      expect(await heading()).toBe('Choose who you are')
    })

    // The pages are the same in all of them
    if (name !== 'express') return

    test.each(['light', 'dark'] as const)(
      'every page fits a telephone, %s',
      async (colorScheme) => {
        provider.addAccount(difficult)
        await page.emulateMedia({ colorScheme })
        const shoot = async (name: string) => {
          for (const width of [1200, 390]) {
            await page.setViewportSize({ width, height: 844 })
            await page.screenshot({
              path: join(artifacts, `${name}-${colorScheme}-${width}.png`),
              fullPage: true,
            })
            const overflow = await page.evaluate(
              'document.documentElement.scrollWidth - innerWidth',
            )
            expect(overflow, `${name} at ${width}`).toBe(0)
          }
        }
        await page.goto(example.url)
        await shoot('home')
        await page.goto(`${example.url}/nowhere`)
        await shoot('not-found')
        await page.goto(`${example.url}/profile`)
        await shoot('provider')
        await page.getByRole('button', { name: 'Cancel' }).click()
        await arrive('You were not signed in')
        await shoot('refused')
        await page.goto(`${example.url}/callback?code=a&state=${'0'.repeat(32)}`)
        await shoot('missing')
        await page.goto(`${example.url}/profile`)
        await signIn()
        await shoot('profile')
        await page.goto(example.url)
        await shoot('home-signed-in')
        await page.getByRole('button', { name: 'Sign out' }).first().click()
        await page.waitForURL(`${provider.issuer}/**`)
        await shoot('provider-sign-out')
        await page.getByRole('button', { name: 'Sign out' }).click()
        await page.waitForURL(`${example.url}/*`)

        await page.goto(`${example.url}/profile`)
        await page.getByLabel('Somebody else').fill('difficult')
        await page.getByRole('button', { name: 'Continue', exact: true }).click()
        await page.waitForURL(`${example.url}/**`)
        await shoot('profile-difficult')
      },
    )
  })

  test.each(formPostApps)(
    'an Authentication Response that is posted from another site arrives at $name',
    async (app) => {
      const { privateKeyPem, jwks } = await generateClientKey()
      const { url, stop } = await startFormPostApp(app, async (url) => {
        await provider.addClient({ clientId: 'posted', jwks, redirectUris: [`${url}/callback`] })
        return { issuer: provider.issuer, clientId: 'posted', clientKey: privateKeyPem }
      })
      const posts: string[] = []
      page.on('request', (request) => {
        if (request.method() === 'POST') posts.push(new URL(request.url()).pathname)
      })
      try {
        await page.goto(`${url}/profile`)
        await page.getByRole('button', { name: 'Continue as Ada Lovelace' }).click()
        await page.waitForURL(`${url}/profile`)
        expect(await page.textContent('body')).toBe('signed in as ada')
        expect(posts).toContain('/callback')
      } finally {
        await stop()
      }
    },
  )
})

/** Somebody whose claims are hard to lay out, and dangerous to write into a page. */
const difficult = {
  sub: 'difficult',
  claims: {
    name: 'Wolfeschlegelsteinhausenbergerdorff <script>alert(1)</script>',
    email: `${'long'.repeat(14)}@${'domain'.repeat(8)}.example`,
    picture: 'https://example.com/a?b=1&c="><img src=x onerror=alert(1)>',
    updated_at: 1_700_000_000,
    email_verified: false,
    locale: { a: ['nested', { value: 1 }], b: null },
  },
}
