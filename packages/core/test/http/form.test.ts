import { PassThrough, type Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { readForm } from '../../src/http/form.ts'

const type = 'application/x-www-form-urlencoded'

/** A request's body that has `text` to read. */
function streamOf(text: string | Buffer): PassThrough {
  const stream = new PassThrough()
  stream.end(text)
  return stream
}

async function read(stream: Readable, parsed?: unknown): Promise<string> {
  return String(await readForm({ type, parsed, stream }))
}

describe('a form', () => {
  test.each([
    ['nothing', undefined],
    ['an empty object, as by a parser that skips it', {}],
    ['null', null],
  ])('is read from the request where a parser has left %s', async (_name, parsed) => {
    expect(await read(streamOf('a=1&b=%C3%BC'), parsed)).toBe('a=1&b=%C3%BC')
  })

  test.each([
    ['an object', { a: '1', b: ['2', '3'] }, 'a=1&b=2&b=3'],
    ['text', 'a=1', 'a=1'],
    ['bytes', Buffer.from('a=1'), 'a=1'],
    ['parameters', new URLSearchParams('a=1'), 'a=1'],
    ['an object with a field named as a stream has one', { pipe: '1', a: '2' }, 'pipe=1&a=2'],
    ['what is not text in an object', { a: '1', b: 2, c: { d: '4' } }, 'a=1'],
  ])('is taken as a parser has left it: %s', async (_name, parsed, expected) => {
    expect(await read(streamOf('ignored=1'), parsed)).toBe(expected)
  })

  test('is read from a stream that a parser has left', async () => {
    expect(await read(streamOf('wrong=1'), streamOf('a=1'))).toBe('a=1')
  })

  test('is read though somebody has set an encoding', async () => {
    expect(await read(streamOf('a=ü').setEncoding('utf8'))).toBe('a=%C3%BC')
  })

  test('is read though somebody has paused it', async () => {
    const stream = streamOf('a=1')
    stream.pause()
    expect(await read(stream)).toBe('a=1')
  })

  test('that was read to its end already is empty', async () => {
    const stream = streamOf('a=1')
    await stream.toArray()
    expect(await read(stream)).toBe('')
  })
})

describe('a form is refused', () => {
  test.each([
    ['text/plain', 'text/plain'],
    ['application/json; charset=utf-8', 'application/json'],
    [undefined, 'nothing'],
  ])('of the type %s', async (given, named) => {
    const form = readForm({ type: given, parsed: { a: '1' }, stream: streamOf('') })
    await expect(form).rejects.toMatchObject({
      code: 'ERR_CONTENT_TYPE',
      message: expect.stringContaining(`"${named}"`),
    })
  })

  test('of more than 64 kB, in bytes and not in characters', async () => {
    for (const text of ['x'.repeat(65_537), 'ü'.repeat(32_769)]) {
      for (const stream of [streamOf(text), streamOf(text).setEncoding('utf8')]) {
        await expect(read(stream)).rejects.toMatchObject({
          code: 'ERR_BODY_TOO_LARGE',
          status: 413,
        })
      }
    }
    expect(await read(streamOf('x'.repeat(65_536)))).toHaveLength(65_537)
  })

  test('that does not end, and is read no further', async () => {
    const stream = new PassThrough()
    const form = read(stream)
    const chunk = Buffer.alloc(64 * 1024)
    let chunks = 0
    const timer = setInterval(() => {
      if (stream.destroyed) clearInterval(timer)
      else {
        stream.write(chunk)
        chunks++
      }
    })
    await expect(form).rejects.toMatchObject({ code: 'ERR_BODY_TOO_LARGE' })
    expect(chunks).toBeLessThan(40)
  })

  test('that has broken off, before or meanwhile', async () => {
    const before = new PassThrough()
    before.destroy()
    await expect(read(before)).rejects.toMatchObject({ code: 'ERR_REQUEST_ABORTED', status: 400 })
    const meanwhile = new PassThrough()
    const form = read(meanwhile)
    meanwhile.write('a=')
    setImmediate(() => meanwhile.destroy(new Error('gone')))
    await expect(form).rejects.toMatchObject({ code: 'ERR_REQUEST_ABORTED' })
  })

  test('that comes byte by byte: after ten seconds nobody waits for the rest', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const stream = new PassThrough()
      const form = read(stream)
      stream.write('a=')
      vi.advanceTimersByTime(10_000)
      await expect(form).rejects.toMatchObject({ code: 'ERR_REQUEST_ABORTED' })
      expect(stream.destroyed).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })
})
