import { expect, test } from 'vitest'
import { loadPeer } from '../../src/store/peer.ts'

test('a package that is not there is an error that says what to install', async () => {
  const missing = Object.assign(new Error("Cannot find package 'x'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  })
  await expect(loadPeer('@vendor/sdk', () => Promise.reject(missing))).rejects.toMatchObject({
    name: 'KeyError',
    code: 'ERR_KEY_UNAVAILABLE',
    message: 'the package "@vendor/sdk" is not installed: npm install @vendor/sdk',
    cause: missing,
  })
})

test('those that are needed together are named together', async () => {
  const missing = Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' })
  await expect(loadPeer('a', () => Promise.reject(missing), 'a b')).rejects.toThrow(
    'npm install a b',
  )
})

test('a package that is broken is told as such', async () => {
  const broken = new Error('invalid ELF header')
  await expect(loadPeer('pkcs11js', () => Promise.reject(broken))).rejects.toMatchObject({
    message: 'the package "pkcs11js" cannot be loaded: install it again',
    cause: broken,
  })
})

test('a package that is there is returned', async () => {
  expect(await loadPeer('node:path', () => import('node:path'))).toHaveProperty('join')
})
