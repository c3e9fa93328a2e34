import { execFileSync } from 'node:child_process'
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createPlace } from './support/run.ts'

const failed = (message: string) => ({
  exitCode: 2,
  stdout: '',
  stderr: `countersign: ${message}\n`,
})

describe('a key and its certificate are two files', () => {
  test.each([
    ['--out client.crt --certificate'],
    ['--out client.crt --certificate --force'],
    ['--out client.CRT --certificate --force'],
    ['--out client.crt --certificate-out ./client.crt --force'],
    ['--out client.crt --certificate-out folder/../client.crt'],
    ['--out client.crt --certificate-out linked/client.crt'],
    ['--set client.crt --certificate'],
    ['--set client.crt --provider entra'],
  ])('so that "keygen %s" is refused before anything is made', async (options) => {
    const { run, cwd, path } = createPlace()
    mkdirSync(path('folder'))
    symlinkSync(cwd, path('linked'))
    const name = options.includes('CRT') ? 'client.CRT' : 'client.crt'
    expect(await run(`keygen ${options}`)).toEqual(
      failed(
        `the key and its certificate would both be ${path(name)}: name two files, with --out and ` +
          '--certificate-out',
      ),
    )
    expect(readdirSync(cwd).sort()).toEqual(['folder', 'linked'])
  })

  test('also where one is a link to the other', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('key.pem'), 'precious')
    symlinkSync('key.pem', path('key.crt'))
    const { exitCode, stderr } = await run('keygen --out key.pem --certificate --force')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('the key and its certificate would both be')
    expect(readFileSync(path('key.pem'), 'utf8')).toBe('precious')
  })

  test('and a hard link to what is replaced keeps what it had', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('key.pem'), 'precious')
    linkSync(path('key.pem'), path('key.crt'))
    expect((await run('keygen --out key.pem --certificate --force')).exitCode).toBe(0)
    expect(readFileSync(path('key.pem'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY/)
    expect(readFileSync(path('key.crt'), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE/)
  })
})

describe.skipIf(process.platform === 'win32')('a pipe', () => {
  test.each([
    ['keygen --out pipe --force'],
    ['keygen --out pipe'],
    ['keygen --out key.pem --certificate-out pipe --force'],
    ['keygen --set pipe'],
    ['keys list pipe'],
    ['keys rotate pipe'],
  ])('is no file of keys: "%s" neither waits for it, nor replaces it', async (line) => {
    const { run, path, cwd } = createPlace()
    execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd })
    expect(await run(line)).toEqual(failed(`${path('pipe')} is not a file`))
    expect(lstatSync(path('pipe')).isFIFO()).toBe(true)
    expect(readdirSync(cwd)).toEqual(['pipe'])
  })
})

describe('a link that leads nowhere', () => {
  test.each([
    ['keygen --out link.pem'],
    ['keygen --out link.pem --force'],
    ['keygen --set link.pem'],
    ['keygen --out key.pem --certificate-out link.pem --force'],
  ])('is neither followed nor replaced by "%s"', async (line) => {
    const { run, path, cwd } = createPlace()
    symlinkSync(path('elsewhere.pem'), path('link.pem'))
    expect(await run(line)).toEqual(
      failed(
        `${path('link.pem')} is a link that leads nowhere: remove it, or name the file itself`,
      ),
    )
    expect(readdirSync(cwd)).toEqual(['link.pem'])
  })

  test('is unlike one that leads to a file, which is replaced behind it', async () => {
    const { run, path } = createPlace()
    writeFileSync(path('elsewhere.pem'), 'old')
    symlinkSync(path('elsewhere.pem'), path('link.pem'))
    expect((await run('keygen --out link.pem --force')).exitCode).toBe(0)
    expect(lstatSync(path('link.pem')).isSymbolicLink()).toBe(true)
    expect(readFileSync(path('elsewhere.pem'), 'utf8')).toMatch(/^-----BEGIN PRIVATE KEY/)
  })
})

const noPipe = '"-" is no file: private keys are kept in files, such as ./client-key.pem'

test.each([
  ['keygen --out -', noPipe],
  ['keygen --set -', noPipe],
  ['keys list -', noPipe],
  [
    'keygen --certificate-out -',
    '--certificate-out: "-" is no file: name one, such as ./client-key.crt',
  ],
  [
    'keygen --alg ES256 --bits 4096',
    '--bits: is the size of an RSA key, and one for ES256 has no other size',
  ],
  ['keygen --provider signicat --alg RS256 --bits 3072', '--bits: must be one of 2048, 4096'],
  ['keygen --bits 2048', '--bits: is the size of an RSA key, and one for ES256 has no other size'],
])('"%s" is refused, and makes nothing', async (line, message) => {
  const { run, cwd } = createPlace()
  expect(await run(line)).toEqual(failed(message))
  expect(readdirSync(cwd)).toEqual([])
})
