import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createUserAgent } from '../../support/user-agent.ts'

type Answer = (req: IncomingMessage, res: ServerResponse, body: string) => void

let answers: Record<string, Answer> = {}
/** `localhost` and `127.0.0.1` are two sites; two ports of one host would be the same site. */
let app = ''
let elsewhere = ''
const seen: { url: string; headers: IncomingMessage['headers']; body: string; method: string }[] =
  []

const server = createServer((req, res) => {
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  req.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const { headers, method = '', url = '' } = req
    seen.push({ url: `http://${headers.host}${url}`, headers, body, method })
    const answer = answers[url.split('?')[0] ?? '']
    if (answer) answer(req, res, body)
    else res.end('ok')
  })
})

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  app = `http://127.0.0.1:${port}`
  elsewhere = `http://localhost:${port}`
})

afterAll(() => {
  server.close()
  server.closeAllConnections()
})

beforeEach(() => {
  answers = {}
  seen.length = 0
})

const redirect =
  (location: string, status = 302): Answer =>
  (_req, res) =>
    res.writeHead(status, { location }).end()

describe('a navigation', () => {
  test('that was typed has the headers of one, along its redirects', async () => {
    answers['/a'] = redirect(`${elsewhere}/b`)
    const page = await createUserAgent().navigate(`${app}/a`)
    expect(page.url).toBe(`${elsewhere}/b`)
    expect(page.history.map(({ status }) => status)).toEqual([302, 200])
    for (const { headers } of seen) {
      expect(headers).toMatchObject({
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
        'sec-fetch-site': 'none',
        accept: expect.stringMatching(/^text\/html/),
      })
    }
  })

  test('from a link is cross-site once its redirects have left the site', async () => {
    answers['/login'] = redirect(`${elsewhere}/authorize`)
    answers['/authorize'] = redirect(`${app}/callback`)
    await createUserAgent().navigate(`${app}/login`, { from: app })
    const sites = seen.map(({ headers }) => headers['sec-fetch-site'])
    expect(sites).toEqual(['same-origin', 'cross-site', 'cross-site'])
  })

  test('stops where it is told to', async () => {
    answers['/a'] = redirect('/b')
    answers['/b'] = redirect('/c')
    const agent = createUserAgent()
    expect((await agent.navigate(`${app}/a`, { follow: false })).url).toBe(`${app}/a`)
    expect((await agent.navigate(`${app}/a`, { follow: 1 })).url).toBe(`${app}/b`)
    answers['/c'] = redirect('/a')
    const page = await agent.navigate(`${app}/a`)
    expect(page.history).toHaveLength(21)
  })

  test('submits a form_post page as a cross-site POST, without Lax cookies', async () => {
    answers['/op'] = (_req, res) =>
      res.end(`<form method="post" action="${app}/callback?x=1&amp;y=2">
        <input type="hidden" name="state" value="a&amp;b&quot;">
        </form><script>document.forms[0].submit()</script>`)
    const agent = createUserAgent()
    agent.setCookie(app, 'lax=1; SameSite=Lax; Path=/')
    agent.setCookie(app, 'none=1; SameSite=None; Secure; Path=/')
    const page = await agent.navigate(`${elsewhere}/op`)
    expect(page.url).toBe(`${app}/callback?x=1&y=2`)
    const post = seen.at(-1)
    expect(post?.method).toBe('POST')
    expect(new URLSearchParams(post?.body).get('state')).toBe('a&b"')
    expect(post?.headers).toMatchObject({
      origin: elsewhere,
      'sec-fetch-site': 'cross-site',
      cookie: 'none=1',
    })
  })
})

describe('other requests', () => {
  test('a form is posted from its own origin, or from another', async () => {
    const agent = createUserAgent()
    await agent.post(`${app}/logout`, { a: '1' })
    await agent.post(`${app}/logout`, { a: '1' }, { origin: elsewhere })
    expect(seen.map(({ headers }) => [headers.origin, headers['sec-fetch-site']])).toEqual([
      [app, 'same-origin'],
      [elsewhere, 'cross-site'],
    ])
    expect(seen[0]?.body).toBe('a=1')
  })

  test('a 303 turns a POST into a GET, and a 307 does not', async () => {
    answers['/see'] = redirect('/got', 303)
    answers['/again'] = redirect('/got', 307)
    const agent = createUserAgent()
    await agent.post(`${app}/see`, { a: '1' })
    await agent.post(`${app}/again`, { a: '1' })
    expect(seen.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST', 'POST'])
    expect(seen.at(-1)?.body).toBe('a=1')
  })

  test('a script fetches with "cors", and a header can be left out', async () => {
    const headers = { 'Sec-Fetch-Dest': '', accept: 'application/json' }
    await createUserAgent().fetch(`${app}/api`, { headers })
    expect(seen[0]?.headers).toMatchObject({
      'sec-fetch-mode': 'cors',
      'sec-fetch-site': 'same-origin',
      accept: 'application/json',
    })
    expect(seen[0]?.headers['sec-fetch-dest']).toBeUndefined()
  })
})

describe('cookies', () => {
  test('of every SameSite kind go where a browser sends them', async () => {
    answers['/set'] = (_req, res) =>
      res
        .setHeader('set-cookie', [
          'strict=1; SameSite=Strict; Path=/',
          'lax=1; SameSite=Lax; Path=/',
        ])
        .end()
    const agent = createUserAgent()
    const page = await agent.navigate(`${app}/set`)
    expect(page.setCookies).toHaveLength(2)
    await agent.navigate(`${app}/typed`)
    await agent.navigate(`${app}/link`, { from: elsewhere })
    await agent.navigate(`${app}/frame`, { from: elsewhere, destination: 'iframe' })
    await agent.fetch(`${app}/api`, { origin: elsewhere })
    expect(seen.slice(1).map(({ headers }) => headers.cookie)).toEqual([
      'strict=1; lax=1',
      'lax=1',
      undefined,
      undefined,
    ])
  })

  test('that are Secure work on http loopback, unless told otherwise', async () => {
    answers['/set'] = (_req, res) => res.setHeader('set-cookie', '__Host-a=1; Secure; Path=/').end()
    const chrome = createUserAgent()
    await chrome.navigate(`${app}/set`)
    expect(chrome.cookies(app).map(({ key }) => key)).toEqual(['__Host-a'])
    const strict = createUserAgent({ secureOnLoopback: false })
    await strict.navigate(`${app}/set`)
    expect(strict.cookies(app)).toEqual([])
  })

  test('can be read, set, deleted and copied into another profile', async () => {
    const agent = createUserAgent()
    agent.setCookie(`${app}/`, 'a=1; Path=/')
    agent.setCookie(`${app}/`, 'b=2; Path=/')
    const other = agent.clone()
    agent.deleteCookie(app, 'a')
    expect(agent.cookies(app).map(({ key }) => key)).toEqual(['b'])
    expect(other.cookies(app).map(({ key }) => key)).toEqual(['a', 'b'])
  })
})
