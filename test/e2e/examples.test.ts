import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Provider, startProvider } from '@countersign/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  exampleNames,
  findPort,
  type RegisteredExample,
  runExample,
  startExample,
  startRegisteredExample,
} from '../support/examples.ts'
import { createUserAgent, type UserAgent } from '../support/user-agent.ts'

test.each(['pages.js', 'look.js', 'store.js'])(
  'the examples share their %s to the letter',
  (file) => {
    const texts = exampleNames.map((name) =>
      readFileSync(join(import.meta.dirname, '../../examples', name, file), 'utf8'),
    )
    expect(new Set(texts).size).toBe(1)
  },
)

/** Runs a test with a new browser. */
async function withBrowser(run: (browser: UserAgent) => Promise<void>): Promise<void> {
  const browser = createUserAgent()
  await run(browser).finally(() => browser.close())
}

describe.each(exampleNames)('the %s example', (name) => {
  let provider: Provider
  let example: RegisteredExample

  beforeAll(async () => {
    provider = await startProvider({ interaction: 'auto', accounts: [mallory] })
    example = await startRegisteredExample(name, provider)
  })
  afterAll(async () => {
    await example?.stop()
    await provider?.close()
  })

  describe('to somebody anonymous', () => {
    test('shows a public page with a way to sign in', () =>
      withBrowser(async (browser) => {
        const page = await browser.navigate(`${example.url}/`)
        expect(page.status).toBe(200)
        expect(page.text).toContain('href="/login"')
        expect(page.text).toContain(`<code>@countersign/${name}</code>`)
        expect(page.setCookies).toEqual([])
        expect(page.headers).toMatchObject({
          'cache-control': 'no-store',
          'content-security-policy': expect.stringContaining("default-src 'none'"),
          'x-content-type-options': 'nosniff',
        })
        expect(page.headers).not.toHaveProperty('x-powered-by')
      }))

    test('answers /api/me with 401 problem details, to a script and to a browser', () =>
      withBrowser(async (browser) => {
        const url = `${example.url}/api/me`
        for (const page of [await browser.fetch(url), await browser.navigate(url)]) {
          expect(page.status).toBe(401)
          expect(page.url).toBe(url)
          expect(page.headers['content-type']).toContain('application/problem+json')
          expect(page.headers['www-authenticate']).toBe('Cookie realm="example"')
          expect(JSON.parse(page.text)).toMatchObject({ status: 401 })
        }
      }))

    test('answers /profile with 401 to a program, and sends a browser to the provider', () =>
      withBrowser(async (browser) => {
        // As curl asks: without a word about itself
        const headers = { accept: '*/*', 'sec-fetch-mode': '', 'sec-fetch-dest': '' }
        const program = await browser.fetch(`${example.url}/profile`, { headers })
        expect(program.status).toBe(401)
        expect(program.headers['content-type']).toBe('application/problem+json')
        const page = await browser.navigate(`${example.url}/profile`, { follow: false })
        expect(page.status).toBe(303)
        expect(page.headers.location).toMatch(`${provider.issuer}/authorize?`)
      }))

    test('answers an unknown address with 404', async () => {
      const response = await fetch(`${example.url}/nowhere`)
      expect(response.status).toBe(404)
      expect(await response.text()).toContain('<h1>Not found</h1>')
    })
  })

  describe('to somebody signed in', () => {
    test('shows the claims, escaped, and gives them as JSON', () =>
      withBrowser(async (browser) => {
        const page = await browser.navigate(`${example.url}/profile`)
        expect(page.url).toBe(`${example.url}/profile`)
        expect(page.text).toContain('&#60;script&#62;alert(1)&#60;/script&#62;')
        expect(page.text).not.toMatch(/<script|<img/i)
        expect(page.text).toContain('<time datetime="2023-11-14T22:13:20.000Z">')
        expect(page.text).toContain('1700000000')
        expect(page.text).toContain('<pre>')

        const me = await browser.fetch(`${example.url}/api/me`)
        expect(me.status).toBe(200)
        expect(JSON.parse(me.text)).toMatchObject({ sub: 'mallory', name: mallory.claims.name })
      }))

    test('authenticates with private_key_jwt under the key that it shows', () =>
      withBrowser(async (browser) => {
        const page = await browser.navigate(`${example.url}/profile`)
        const kid = String(provider.assertions.at(-1)?.header['kid'])
        expect(page.text).toContain(`<code>${kid}</code>`)
        expect(provider.assertions.every(({ refusal }) => refusal === undefined)).toBe(true)
      }))

    test('signs out by a form, and is anonymous afterwards', () =>
      withBrowser(async (browser) => {
        await browser.navigate(`${example.url}/login`)
        expect((await browser.fetch(`${example.url}/api/me`)).status).toBe(200)
        const page = await browser.post(`${example.url}/logout`, {})
        expect(page.status).toBe(200)
        expect(new URL(page.url).pathname).toBe('/')
        expect((await browser.fetch(`${example.url}/api/me`)).status).toBe(401)
      }))

    test('is told by the provider that somebody is signed out, without a store', () =>
      withBrowser(async (browser) => {
        await browser.navigate(`${example.url}/login`)
        const copy = browser.clone()
        const deliveries = await provider.signOut('mallory')
        expect(deliveries.map(({ error }) => error)).toContain(undefined)
        for (const one of [browser, copy]) {
          expect((await one.fetch(`${example.url}/api/me`)).status).toBe(401)
        }
        copy.close()
      }))
  })

  describe('as a process', () => {
    test('starts and serves its public page while the provider is down', () =>
      withBrowser(async (browser) => {
        const away = `http://127.0.0.1:${await findPort()}`
        const alone = await startExample(name, {
          ...example.env,
          OIDC_ISSUER: away,
        })
        let reference: string | undefined
        let stderr = ''
        try {
          expect((await browser.navigate(`${alone.url}/`)).status).toBe(200)
          expect((await browser.fetch(`${alone.url}/api/me`)).status).toBe(401)
          const page = await browser.navigate(`${alone.url}/profile`)
          expect(page.status).toBe(503)
          reference = /(?<=Reference: <code>)\w+/.exec(page.text)?.[0]
        } finally {
          stderr = (await alone.stop()).stderr
        }
        // One line for whoever looks for the reference that the page shows
        const [start, ...rest] = stderr.split(away)
        expect(start).toBe('login.failed: ERR_PROVIDER_UNAVAILABLE: ')
        expect(rest.join('')).toMatch(new RegExp(`^[^\n]+ \\(reference ${reference}\\)\n$`))
      }))

    test('ends with 0 when it is told to, and has complained of nothing', async () => {
      const other = await startExample(name, example.env)
      expect(await other.stop()).toEqual({
        code: 0,
        stdout: `The app is at ${other.url}\n`,
        stderr: '',
      })
    })

    test('names every fault of its environment at once, and nothing else', async () => {
      const { code, stdout, stderr } = await runExample(name, {
        OIDC_ISSUR: 'https://provider.example',
        OIDC_CLIENT_ID: 'example',
        OIDC_CLIENT_KEY: 'file:./there-is-no-such-key.pem',
        OIDC_BASE_URL: 'http://app.example',
        OIDC_SESSION_SECRET: 'short',
      })
      expect(code).toBe(2)
      expect(stdout).toBe('')
      const [first, ...faults] = stderr.trimEnd().split('\n')
      expect(first).toBe(`the configuration has ${faults.length} faults:`)
      expect(faults.map((line) => line.trim().split(':', 1)[0]).sort()).toEqual([
        'OIDC_BASE_URL',
        'OIDC_CLIENT_KEY',
        'OIDC_ISSUER',
        'OIDC_ISSUR',
        'OIDC_SESSION_SECRET',
      ])
      expect(stderr).toContain('did you mean OIDC_ISSUER?')
    })

    test('says in a line that its port is taken', async () => {
      const port = Number(new URL(example.url).port)
      const { code, stdout, stderr } = await runExample(name, {
        ...example.env,
        OIDC_BASE_URL: example.url,
        PORT: String(port),
      })
      expect(code).toBe(2)
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^listen EADDRINUSE: .*\n$/)
    })

    test.each(['abc', '99999'])('says in a line that "%s" is no port', async (PORT) => {
      const env = { ...example.env, OIDC_BASE_URL: example.url, PORT }
      expect(await runExample(name, env)).toEqual({
        code: 2,
        stdout: '',
        stderr: `PORT has to be a number from 1 to 65535, and is "${PORT}"\n`,
      })
    })
  })
})

const mallory = {
  sub: 'mallory',
  claims: {
    name: '<script>alert(1)</script>',
    email: '"onmouseover="alert(1)@example.com',
    updated_at: 1_700_000_000,
    locale: { nested: '<img src=x onerror=alert(1)>' },
  },
}
