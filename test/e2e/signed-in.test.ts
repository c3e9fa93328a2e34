import { oidc, requireLogin } from '@countersign/express'
import { signedIn } from '@countersign/testing'
import express5 from 'express'
import express4 from 'express4'
import { afterEach, describe, expect, test } from 'vitest'

const options = {
  issuer: 'https://op.example',
  clientId: 'app',
  clientAuth: { method: 'none' },
  baseUrl: 'http://localhost:3000',
  session: { secret: 'a session secret for tests, and for nothing but tests' },
} as const

const claims = { sub: 'ada', name: 'Ada' }

const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** The user that the app's guarded page shows to who sends these headers. */
async function visit(app: express5.Express, path: string, headers: Record<string, string>) {
  const port = await new Promise<number>((resolve) => {
    const server = app.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
    closing.push(() => server.close())
  })
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
  return response.status === 200 ? await response.json() : response.status
}

const showUser: express5.RequestHandler = (req, res) => {
  res.json(req.oidc.user)
}

describe.each([
  ['Express 5', express5],
  ['Express 4', express4],
])('signedIn() with %s', (_name, express) => {
  test('finds oidc() among the middleware of the app', async () => {
    const app = express()
    app.use(express.json(), oidc(options))
    app.get('/profile', requireLogin(), showUser)
    expect(await visit(app, '/profile', signedIn(app, claims).headers)).toEqual(claims)
    expect(await visit(app, '/profile', {})).toBe(401)
  })

  test('finds it in nested routers', async () => {
    const [app, outer, inner] = [express(), express.Router(), express.Router()]
    inner.use(oidc(options))
    inner.get('/profile', requireLogin(), showUser)
    app.use('/a', outer.use('/b', inner))
    expect(await visit(app, '/a/b/profile', signedIn(app, claims).headers)).toEqual(claims)
  })

  test('finds it in an app that is mounted in another, and is given itself', async () => {
    const [app, mounted] = [express(), express()]
    mounted.use(oidc(options))
    mounted.get('/profile', requireLogin(), showUser)
    app.use('/shop', mounted)
    expect(await visit(app, '/shop/profile', signedIn(mounted, claims).headers)).toEqual(claims)
  })

  test('says so where there is none', () => {
    const app = express()
    app.get('/', showUser)
    expect(() => signedIn(app, claims)).toThrow('no oidc() was found in "app"')
  })

  test('says so where there is nothing at all', () => {
    expect(() => signedIn(express(), claims)).toThrow('no oidc() was found in "app"')
  })
})

test('signedIn() takes the middleware and its Relying Party', async () => {
  const middleware = oidc(options)
  const app = express5().use(middleware).get('/profile', requireLogin(), showUser)
  for (const known of [middleware, middleware.relyingParty]) {
    expect(await visit(app, '/profile', signedIn(known, claims).headers)).toEqual(claims)
  }
})
