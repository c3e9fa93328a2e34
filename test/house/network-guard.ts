/**
 * Holds unit tests to this machine, and those of the core to their own process: a connection that a
 * test may not open fails it, also where the code under test swallows the error.
 *
 * A test of the core that is about connections says so with `@network loopback` in its first comment.
 *
 * @module
 */

import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { afterEach, beforeAll, expect } from 'vitest'

const refused: string[] = []
let mayLoop = true

const connect = Socket.prototype.connect

Object.assign(Socket.prototype, {
  connect(this: Socket, ...args: unknown[]): Socket {
    const host = readHost(args)
    const isLoop = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/.test(host)
    if (isLoop && mayLoop) return Reflect.apply(connect, this, args)
    const message = explain(host, isLoop)
    refused.push(message)
    throw new Error(message)
  },
})

function explain(host: string, isLoop: boolean): string {
  return isLoop
    ? `a unit test of the core opens no connection (here to ${host}): if that is its subject, say ` +
        '"@network loopback" in the first comment of the file'
    : `a unit test opens no connection to another machine (here to ${host})`
}

/** Reads the host out of what `connect()` takes: options, a port and a host, or a path. */
function readHost(args: readonly unknown[]): string {
  const [first, second] = args.flat()
  if (typeof first === 'number') return typeof second === 'string' ? second : 'localhost'
  if (typeof first !== 'object' || first === null) return 'localhost'
  return 'host' in first && typeof first.host === 'string' ? first.host : 'localhost'
}

beforeAll(() => {
  const path = expect.getState().testPath ?? ''
  const [head = ''] = /^\s*\/\*[\s\S]*?\*\/|^/.exec(readFileSync(path, 'utf8')) ?? []
  mayLoop = !path.includes('/packages/core/') || head.includes('@network loopback')
})

afterEach(() => {
  const messages = refused.splice(0)
  if (messages.length > 0) throw new Error(messages.join('\n'))
})
