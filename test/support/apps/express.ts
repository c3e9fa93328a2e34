/**
 * The app under test on Express 5 and 4.
 *
 * @module
 */

import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { OidcError, oidc, requireLogin } from '@countersign/express'
import express5 from 'express'
import express4 from 'express4'
import { type Framework, page } from '../app.ts'

type Express = typeof express5

/** Handlers that reject reach the error handler in Express 5 by themselves, in Express 4 by `next`. */
type Handler = (
  req: express5.Request,
  res: express5.Response,
  next: express5.NextFunction,
) => Promise<void>

function caught(handler: Handler): express5.RequestHandler {
  return (req, res, next) => {
    handler(req, res, next).catch(next)
  }
}

function build(express: Express): Framework['build'] {
  return (options, { hasBodyParser, mountPath }) => {
    const app = express()
    const router = express.Router()
    if (hasBodyParser) router.use(express.urlencoded({ extended: true }), express.json())
    router.use(oidc(options))
    router.get('/public', (req, res) => {
      res.json({ isAuthenticated: req.oidc.isAuthenticated, sub: req.oidc.user?.sub })
    })
    router.get('/untouched', (_req, res) => {
      res.send('untouched')
    })
    router.get('/profile', requireLogin(), (req, res) => {
      res.json(req.oidc.user)
    })
    router.post('/profile', requireLogin(), (req, res) => {
      res.json(req.oidc.user)
    })
    router.get('/claims', requireLogin(), (req, res) => {
      res.json(req.oidc.claims)
    })
    const ok: express5.RequestHandler = (_req, res) => {
      res.send('ok')
    }
    router.get('/admin', requireLogin({ claims: { role: 'admin' } }), ok)
    router.get('/strong', requireLogin({ acr: 'strong' }), ok)
    router.get('/fresh', requireLogin({ maxAge: 0 }), ok)
    router.get('/otp', requireLogin({ amr: 'otp' }), ok)
    router.get('/at-two', requireLogin({ provider: 'two' }), ok)
    router.get('/which', (req, res) => {
      res.json({ provider: req.oidc.provider, sub: req.oidc.user?.sub })
    })
    router.get(
      '/start',
      caught((req) => req.oidc.login({ returnTo: `${mountPath}/profile` })),
    )
    router.get(
      '/leave',
      caught((req) => req.oidc.logout()),
    )
    router.get(
      '/leave-here',
      caught((req) => req.oidc.logout({ local: true })),
    )
    router.get(
      '/token',
      caught(async (req, res) => {
        res.send(await req.oidc.accessToken())
      }),
    )
    router.get(
      '/userinfo',
      caught(async (req, res) => {
        res.json(await req.oidc.userInfo())
      }),
    )
    router.get(
      '/refresh',
      caught(async (req, res) => {
        await req.oidc.refresh()
        const { scope, expiresAt } = req.oidc
        res.json({ accessToken: await req.oidc.accessToken(), scope, expiresAt })
      }),
    )
    router.get(
      '/stream',
      caught(async (req, res) => {
        await req.oidc.refresh()
        res.write(`${req.oidc.user?.sub};`)
        await setTimeout(20)
        res.end('end')
      }),
    )
    router.get(
      '/sse',
      caught(async (req, res) => {
        await req.oidc.refresh()
        res.type('text/event-stream').flushHeaders()
        res.write(`data: ${req.oidc.user?.sub}\n\n`)
        await setTimeout(20)
        res.end('data: end\n\n')
      }),
    )
    router.get(
      '/file',
      caught(async (req, res) => {
        await req.oidc.refresh()
        res.sendFile(page)
      }),
    )
    router.get(
      '/both',
      caught(async (req, res) => {
        res.cookie('before', '1')
        await req.oidc.refresh()
        res.cookie('after', '1')
        res.send('ok')
      }),
    )
    router.get('/broken', (_req, res) => {
      res.write('started;')
      throw new Error('broken')
    })
    router.get(
      '/late',
      caught(async (req, res) => {
        res.write('started;')
        await req.oidc.logout({ local: true }).catch((error: unknown) => {
          res.end(error instanceof OidcError ? error.code : String(error))
        })
      }),
    )
    router.post(
      '/echo',
      caught(async (req, res) => {
        res.json(hasBodyParser ? req.body : await text(req))
      }),
    )
    router.get('/boom', () => {
      throw new Error('boom')
    })
    router.get(
      '/spill',
      caught(async (req) => {
        await req.oidc.refresh()
        throw new Error('spilled')
      }),
    )
    app.use(mountPath || '/', router)
    const onError: express5.ErrorRequestHandler = (error, _req, res, next) => {
      if (res.headersSent) return next(error)
      res.status(error.status ?? 500).json({ code: error.code, message: error.message })
    }
    app.use(onError)
    return app
  }
}

/** Express 5. */
export const express5App: Framework = { name: 'Express 5', build: build(express5) }

/** Express 4. */
export const express4App: Framework = {
  name: 'Express 4',
  build: build(express4),
}
