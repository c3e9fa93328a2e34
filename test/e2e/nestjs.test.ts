import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from '@countersign/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { root } from '../house/sources.ts'
import { startApp } from '../support/app.ts'
import { nestOnExpress, nestOnFastify } from '../support/nestjs/apps.ts'
import { type Setting, startSetting } from '../support/setting.ts'

describe.each([
  ['Nest on Express', nestOnExpress],
  ['Nest on Fastify', nestOnFastify],
])('%s', (_name, createFramework) => {
  const framework = createFramework()
  let setting: Setting
  beforeAll(async () => {
    setting = await startSetting(framework)
  })
  afterAll(() => setting.close())
  beforeEach(() => setting.reset())

  const address = (path: string) => `${setting.app.url}${path}`
  const authorizations = () => setting.provider.requestsTo('authorization')

  async function signedIn() {
    const browser = setting.browser()
    await browser.navigate(address('/profile'))
    return browser
  }

  test('serves a public page to somebody anonymous', async () => {
    const page = await setting.browser().navigate(address('/'))
    expect([page.status, page.text]).toEqual([200, 'Hello, whoever you are'])
    expect(page.setCookies).toEqual([])
  })

  test('sends a browser to the provider, with the transaction in a cookie', async () => {
    const page = await setting.browser().navigate(address('/profile'), { follow: false })
    expect(page.status).toBe(303)
    expect(page.headers.location).toMatch(`${setting.provider.issuer}/authorize?`)
    expect(page.headers['cache-control']).toBe('no-store')
    expect(page.setCookies).toHaveLength(1)
    expect(page.text).toBe('')
  })

  test('answers a program with 401, problem details and the way to sign in', async () => {
    const answer = await setting.browser().fetch(address('/profile'))
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.headers['www-authenticate']).toMatch(/^Cookie/)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(JSON.parse(answer.text)).toMatchObject({ status: 401, code: 'ERR_NOT_SIGNED_IN' })
    expect(answer.setCookies).toEqual([])
  })

  test('signs somebody in and goes on to the page that was asked for', async () => {
    const browser = setting.browser()
    const page = await browser.navigate(address('/profile'))
    expect([page.status, page.url]).toEqual([200, address('/profile')])
    expect(JSON.parse(page.text)).toMatchObject({ sub: 'alice', name: 'Alice Adams' })
    expect((await browser.navigate(address('/'))).text).toBe('Hello, Alice Adams')
  })

  test('answers 403 where a claim is missing, and sends nobody away', async () => {
    const browser = await signedIn()
    const count = authorizations().length
    const page = await browser.post(address('/reports'), { title: 'May' })
    expect(page.status).toBe(403)
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.headers['content-security-policy']).toBeDefined()
    const program = await browser.fetch(address('/reports'), { method: 'POST' })
    expect(JSON.parse(program.text)).toMatchObject({ code: 'ERR_FORBIDDEN' })
    expect(authorizations()).toHaveLength(count)
  })

  test('gives a form to its controller, parsed', async () => {
    setting.provider.behave.claims = { role: 'editor' }
    const page = await (await signedIn()).post(address('/reports'), { title: 'May' })
    expect(page.status).toBe(201)
    expect(JSON.parse(page.text)).toEqual({ title: 'May' })
  })

  test('takes the response of the provider as a form, too', async () => {
    const authorization = { response_mode: 'form_post' } as const
    const other = await startSetting(framework, { authorization })
    try {
      const page = await other.browser().navigate(`${other.app.url}/profile`)
      expect([page.status, page.url]).toEqual([200, `${other.app.url}/profile`])
    } finally {
      await other.close()
    }
  })

  test('steps a sign-in up to the "acr" that a handler wants', async () => {
    const browser = await signedIn()
    const program = await browser.fetch(address('/payment'))
    expect(program.status).toBe(401)
    expect(program.headers['www-authenticate']).toContain('acr_values="strong"')
    setting.provider.behave.acr = 'strong'
    const page = await browser.navigate(address('/payment'))
    expect([page.status, page.text]).toEqual([200, 'Paid'])
    expect(authorizations().at(-1)?.query.get('acr_values')).toBe('strong')
  })

  test('asks for a new sign-in where the last one is older than "maxAge"', async () => {
    const { behave } = setting.provider
    behave.acr = 'strong'
    behave.authTime = Math.floor(Date.now() / 1000) - 3600
    const browser = await signedIn()
    const program = await browser.fetch(address('/payment'))
    expect(program.status).toBe(401)
    expect(program.headers['www-authenticate']).toMatch(/max_age="?300/)
    behave.authTime = Math.floor(Date.now() / 1000)
    const page = await browser.navigate(address('/payment'))
    expect([page.status, page.text]).toEqual([200, 'Paid'])
    expect(authorizations().at(-1)?.query.get('max_age')).toBe('300')
  })

  test('wants what a class and what its handler require, both', async () => {
    const { behave } = setting.provider
    const ask = async () => {
      const browser = await signedIn()
      const paths = ['/desk', '/desk/vault']
      return Promise.all(paths.map(async (path) => (await browser.fetch(address(path))).status))
    }
    expect((await setting.browser().fetch(address('/desk'))).status).toBe(401)
    behave.acr = 'strong'
    expect(await ask()).toEqual([403, 403])
    behave.claims = { role: 'editor' }
    expect(await ask()).toEqual([200, 200])
    behave.acr = 'weak'
    expect(await ask()).toEqual([200, 401])
  })

  test('guards every controller, and none of our own routes, with a global guard', async () => {
    const other = await startSetting(createFramework({ isGuarded: true }))
    try {
      const anonymous = other.browser()
      expect((await anonymous.fetch(`${other.app.url}/`)).status).toBe(401)
      expect((await anonymous.fetch(`${other.app.url}/.well-known/jwks.json`)).status).toBe(200)
      const login = await anonymous.navigate(`${other.app.url}/login`, { follow: false })
      expect(login.headers.location).toMatch(`${other.provider.issuer}/authorize?`)
      const page = await other.browser().navigate(`${other.app.url}/`)
      expect([page.status, page.text]).toEqual([200, 'Hello, Alice Adams'])
    } finally {
      await other.close()
    }
  })

  test('signs in below a prefix and a version, beside a filter that catches everything', async () => {
    const other = await startSetting(createFramework({ isLarge: true }))
    try {
      const { url } = other.app
      const profile = `${url}/api/v1/profile`
      const answers = ['/api/v1/profile', '/api/v1/nowhere'].map((path) =>
        other.browser().fetch(url + path),
      )
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([401, 418])
      const page = await other.browser().navigate(profile)
      expect([page.status, page.url]).toEqual([200, profile])
      const isExpress = createFramework === nestOnExpress
      expect(page.headers['x-middleware-has-oidc']).toBe(String(isExpress))
      const login = await other.browser().navigate(`${url}/login?returnTo=/api/v1/profile`)
      expect([login.status, login.url]).toEqual([200, profile])
    } finally {
      await other.close()
    }
  })

  test('signs out by the route and by a handler', async () => {
    const browser = await signedIn()
    await browser.navigate(address('/logout'))
    expect((await browser.fetch(address('/profile'))).status).toBe(401)
    const other = await signedIn()
    const page = await other.navigate(address('/leave'), { follow: false })
    expect(page.status).toBe(303)
    expect(page.headers.location).toMatch(setting.provider.issuer)
    expect((await other.fetch(address('/profile'))).status).toBe(401)
  })

  test('answers an error of accessToken() with its status and its code', async () => {
    const anonymous = await setting.browser().fetch(address('/calendar'))
    expect(anonymous.status).toBe(401)
    expect(JSON.parse(anonymous.text)).toMatchObject({ statusCode: 401, code: 'ERR_NOT_SIGNED_IN' })
    const page = await (await signedIn()).fetch(address('/calendar'))
    expect(page.status).toBe(500)
    expect(JSON.parse(page.text)).toMatchObject({ statusCode: 500, code: 'ERR_TOKEN_NOT_KEPT' })
  })

  test('answers an unknown address with 404 of Nest', async () => {
    const answer = await setting.browser().fetch(address('/nowhere'))
    expect(answer.status).toBe(404)
    expect(JSON.parse(answer.text)).toMatchObject({ statusCode: 404 })
  })

  test('does not start with options that cannot work', async () => {
    const options = () => ({ issuer: 'http://provider.example' }) as never
    await expect(startApp(framework, { options })).rejects.toBeInstanceOf(ConfigurationError)
  })
})

describe('docs/nestjs.md', () => {
  const recipe = readFileSync(join(root, 'docs/nestjs.md'), 'utf8')

  test.each(['login', 'pages'])('has the code of test/support/nestjs/%s.ts', (name) => {
    const source = readFileSync(join(root, `test/support/nestjs/${name}.ts`), 'utf8')
    const code = source
      .slice(source.indexOf('*/\n\n') + '*/\n\n'.length)
      .replace("'./login.ts'", "'./login.js'")
    expect(recipe).toContain(`\`\`\`typescript\n// ${name}.ts\n${code}\`\`\``)
  })

  test.each(['login', 'pages'])(
    'has code that only imports otherwise on Fastify: %s.ts',
    (name) => {
      const read = (path: string) =>
        readFileSync(join(root, 'test/support/nestjs', path, `${name}.ts`), 'utf8')
      const expected = read('.').replace("'@countersign/express'", "'@countersign/fastify'")
      expect(read('fastify')).toBe(expected)
    },
  )
})
