/** WebSockets as the documents have them, on the server that each framework starts. */

import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createRelyingParty } from '@countersign/core'
import { oidc as oidcExpress } from '@countersign/express'
import { oidc as oidcFastify, requireLogin } from '@countersign/fastify'
import { oidc as oidcKoa } from '@countersign/koa'
import { signedIn } from '@countersign/testing'
import websocket from '@fastify/websocket'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { ada, options } from './support/offline.ts'

const origin = 'http://localhost:3000'
const relyingParty = createRelyingParty(options)
const { headers } = signedIn(relyingParty, ada)

const servers: readonly (readonly [name: string, listen: () => Promise<Server> | Server])[] = [
  ['Express', () => express().use(oidcExpress(relyingParty)).listen(0, '127.0.0.1')],
  ['Koa', () => new Koa().use(oidcKoa(relyingParty)).listen(0, '127.0.0.1')],
  [
    'Fastify',
    async () => {
      const app = fastify()
      await app.register(oidcFastify, relyingParty)
      await app.listen({ host: '127.0.0.1', port: 0 })
      return app.server
    },
  ],
]

async function start(listen: () => Promise<Server> | Server): Promise<number> {
  const server = await listen()
  if (!server.listening) await once(server, 'listening')
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', async (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const session = await relyingParty.session(request)
    if (!session) {
      socket.once('finish', () => socket.destroy())
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (open) => {
      open.on('error', () => open.terminate())
      open.send(`Hello, ${session.user['name']}`)
    })
  })
  onTestFinished(() => {
    sockets.close()
    for (const open of sockets.clients) open.terminate()
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

/** The first message, or the status of a refusal. */
async function greet(url: string, how: { headers?: object; origin?: string }): Promise<unknown> {
  const socket = new WebSocket(url, how as object)
  socket.on('error', () => {})
  const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode)
  const greeted = once(socket, 'message').then(([message]) => String(message))
  return await Promise.race([refused, greeted]).finally(() => socket.terminate())
}

describe.each(servers)('on the server of %s', (_name, listen) => {
  test('a WebSocket is open to who is signed in, on a page of ours', async () => {
    const url = `ws://127.0.0.1:${await start(listen)}/`
    expect(await greet(url, { headers, origin })).toBe('Hello, Ada')
    expect(await greet(url, { origin })).toBe(401)
    expect(await greet(url, { headers, origin: 'https://evil.example' })).toBe(401)
    expect(await greet(url, { headers })).toBe(401)
  })

  test('who goes away in the middle, or sends nonsense, harms nobody', async () => {
    const port = await start(listen)
    const handshake = (lines: readonly string[]) =>
      [
        'GET / HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ...lines,
        '\r\n',
      ].join('\r\n')
    // A refusal that nobody waits for
    for (let index = 0; index < 5; index++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(handshake([`Origin: https://evil.example`]), () => socket.resetAndDestroy())
      await once(socket, 'close')
    }
    // A frame that is not masked, which ends a WebSocket with an error (RFC 6455, 5.1)
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write(handshake([`Origin: ${origin}`, `Cookie: ${headers.cookie}`]))
    await once(socket, 'data')
    socket.write(Buffer.from([0x81, 0x01, 0x61]))
    socket.resume()
    await once(socket, 'close')
    expect(await greet(`ws://127.0.0.1:${port}/`, { headers, origin })).toBe('Hello, Ada')
  })

  test('a connection that was refused is closed, whatever its other end does', async () => {
    const socket = connect({ port: await start(listen), host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.resume()
    await once(socket, 'end')
    // Its end stays open; the server's must not
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    const timer = setInterval(() => socket.write('x'), 20)
    await closed.finally(() => clearInterval(timer))
    expect(socket.destroyed).toBe(true)
  })
})

describe('@fastify/websocket', () => {
  test('routes are guarded as all others are, and held to the origin', async () => {
    const app = fastify()
    onTestFinished(() => app.close())
    await app.register(oidcFastify, {
      ...options,
      session: { ...options.session, keep: ['accessToken', 'refreshToken'] },
    })
    await app.register(websocket)
    app.get('/news', { websocket: true, onRequest: requireLogin() }, (socket, request) => {
      socket.send(`Hello, ${request.oidc.user?.name}`)
    })
    app.get('/token', { websocket: true, onRequest: requireLogin() }, async (socket, { oidc }) => {
      socket.send(
        await oidc.accessToken().catch((error: unknown) => (error as { code: string }).code),
      )
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const url = `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    const tokens = { accessToken: 'old', refreshToken: 'once only', expiresAt: 1 }
    const { headers: own } = signedIn(app, ada, tokens)
    expect(await greet(`${url}/news`, { headers: own, origin })).toBe('Hello, Ada')
    expect(await greet(`${url}/news`, { origin })).toBe(401)
    expect(await greet(`${url}/news`, { headers: own, origin: 'https://evil.example' })).toBe(403)
    expect(await greet(`${url}/news`, { headers: own })).toBe(403)
    // The refresh token is not used up for tokens that could not be kept
    expect(await greet(`${url}/token`, { headers: own, origin })).toBe('ERR_RESPONSE_STARTED')
  })
})
