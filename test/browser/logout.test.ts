import {
  generateClientKey,
  type Provider,
  type ProviderClient,
  startProvider,
} from '@countersign/testing'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { launchChromium, skipReason, stepTimeout } from './support/chromium.ts'
import { logoutApps, type RunningApp, startLogoutApp } from './support/logout-app.ts'

const title = 'signing out with Chromium'

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
    provider.endSessions()
    context = await browser.newContext()
    context.setDefaultTimeout(stepTimeout)
    page = await context.newPage()
  })
  afterEach(() => context.close())

  function heading(): Promise<string | null> {
    return page.getByRole('heading', { level: 1 }).textContent()
  }

  describe.each(logoutApps)('of an app on $name', (app) => {
    let running: RunningApp
    /** Another client, which is sent no Logout Tokens. */
    let framed: RunningApp

    beforeAll(async () => {
      running = await start(app.name, (url) => ({
        backchannelLogoutUri: `${url}/backchannel-logout`,
      }))
      framed = await start(`${app.name} in frames`, (url) => ({
        frontchannelLogoutUri: `${url}/frontchannel-logout`,
      }))
    })
    afterAll(async () => {
      await running?.stop()
      await framed?.stop()
    })

    async function start(
      clientId: string,
      logout: (url: string) => Partial<ProviderClient>,
    ): Promise<RunningApp> {
      return await startLogoutApp(app, async (url) => {
        const { privateKeyPem, jwks } = await generateClientKey()
        await provider.addClient({
          clientId,
          jwks,
          redirectUris: [`${url}/callback`],
          postLogoutRedirectUris: [`${url}/profile`],
          ...logout(url),
        })
        return { issuer: provider.issuer, clientId, clientKey: privateKeyPem }
      })
    }

    async function signIn({ url }: RunningApp): Promise<void> {
      await page.goto(`${url}/profile`)
      await page.getByRole('button', { name: 'Continue as Ada Lovelace' }).click()
      await page.waitForURL(`${url}/profile`)
      expect(await heading()).toBe('ada')
    }

    /** Where the frames of the page lead in the end. `shown` resolves with the first one of them. */
    function watchFrames(): { readonly urls: readonly string[]; readonly shown: Promise<unknown> } {
      const urls: string[] = []
      page.on('framenavigated', (frame) => {
        if (frame.parentFrame()) urls.push(frame.url())
      })
      const shown = page.waitForEvent('framenavigated', (frame) => frame.parentFrame() !== null)
      return { urls, shown }
    }

    test('the next click after a back-channel logout is that of nobody', async () => {
      await signIn(running)
      const [delivery] = await provider.signOut('ada')
      expect(delivery).toMatchObject({ clientId: app.name, sid: expect.any(String) })
      expect(delivery?.error).toBeUndefined()
      expect(await heading()).toBe('ada')
      await page.getByRole('link', { name: 'Home' }).click()
      await page.waitForURL(`${running.url}/`)
      expect(await heading()).toBe('nobody')
    })

    test('a logout at the provider ends the session by a frame, to which no cookie comes along', async () => {
      await signIn(framed)
      const { urls, shown } = watchFrames()
      // Without a frame the page goes on after two seconds, which a busy machine may need for it
      await page.route(`${provider.issuer}/logout/success`, async (route) => {
        await shown
        await route.continue()
      })
      const asked = page.waitForRequest((request) => request.url().includes('/frontchannel-logout'))
      await page.goto(`${provider.issuer}/logout`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByRole('heading', { name: 'You are signed out' }).waitFor()
      expect((await (await asked).allHeaders())['cookie']).toBeUndefined()
      // Shown, in spite of what the app says of frames on every page
      expect(urls).toEqual([expect.stringContaining(`${framed.url}/frontchannel-logout?iss=`)])
      await page.goto(framed.url)
      expect(await heading()).toBe('nobody')
    })

    test('the frame is shown to no other site', async () => {
      const query = new URLSearchParams({ iss: provider.issuer, sid: 'guessed' })
      const frame = `${framed.url}/frontchannel-logout?${query}`
      await page.route('http://attacker.example/', (route) =>
        route.fulfill({ contentType: 'text/html', body: `<iframe src="${frame}"></iframe>` }),
      )
      const { urls, shown } = watchFrames()
      await page.goto('http://attacker.example/')
      await shown
      expect(urls).toEqual([expect.stringMatching(/^chrome-error:/)])
    })

    test('a guarded page to come back to does not sign in again by itself', async () => {
      await signIn(running)
      await page.goto(`${running.url}/logout?returnTo=/profile`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(`${running.url}/profile?*`)
      expect(await heading()).toBe('You are signed out')
      await page.getByRole('link', { name: 'Sign in again' }).click()
      await page.waitForURL(`${provider.issuer}/sign-in/*`)
      expect(await heading()).toBe('Choose who you are')
      await page.getByRole('button', { name: 'Continue as Ada Lovelace' }).click()
      await page.waitForURL(`${running.url}/profile?*`)
      expect(await heading()).toBe('ada')
    })
  })
})
