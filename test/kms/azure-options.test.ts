/**
 * How keys in Azure Key Vault are named, and what is refused before anything is asked.
 *
 * @module
 */

// Loaded here: it takes a busy machine longer than a key may take
import '@azure/identity'
import '@azure/keyvault-keys'
import { KeyError } from '@countersign/core/keys'
import { azureKeyVault, createUriKeySource } from '@countersign/kms/azure'
import { describe, expect, test } from 'vitest'
import { startKeyVault } from './support/azure/key-vault.ts'
import { generateCertificate } from './support/certificate.ts'

describe('options', () => {
  test.each([
    'http://my.vault.azure.net',
    'https://my.vault.azure.net/keys/login',
    'https://user@my.vault.azure.net',
    'my.vault.azure.net',
    '',
  ])('"%s" is refused at once', (vaultUrl) => {
    const open = () => azureKeyVault({ vaultUrl, name: 'login' })
    expect(open).toThrow(TypeError)
    expect(open).toThrow('"vaultUrl" must be an https address')
  })

  test.each([
    ['a name with its version', { name: 'login/0123' }, '"name" must be'],
    ['a name that is none', { name: '' }, '"name" must be'],
    ['a version that is none', { name: 'login', version: 'latest' }, '"version" must be'],
    ['a "kid" for every version', { name: 'login', kid: 'mine' }, 'name its version too'],
  ])('%s is refused at once', (_, options, message) => {
    const open = () => azureKeyVault({ vaultUrl: 'https://my.vault.azure.net', ...options })
    expect(open).toThrow(TypeError)
    expect(open).toThrow(message)
  })

  test('a URI with a host that there cannot be is told by its name', () => {
    const name = 'azurekms://127.0.0.1:99999/login'
    const parts = { vault: '127.0.0.1:99999', name: 'login' }
    const open = () =>
      createUriKeySource({ name, parts, parameters: {} }, { defaultRsaAlg: 'RS256' })
    expect(open).toThrow(KeyError)
    expect(open).toThrow(`${name} names no host`)
  })

  test('the source is named as its URI', () => {
    const { name } = azureKeyVault({ vaultUrl: 'https://my.vault.azure.net/', name: 'login' })
    expect(name).toBe('azurekms://my.vault.azure.net/login')
  })

  test('a URI is opened without options of its own', async () => {
    const vault = await startKeyVault(generateCertificate())
    const name = 'azurekms://127.0.0.1:1/login'
    const parts = { vault: vault.host, name: 'login' }
    const settings = { defaultRsaAlg: 'RS256' } as const
    const source = createUriKeySource({ name, parts, wait: 60, parameters: {} }, settings)
    expect(source.name).toBe(name)
    await expect(source.keys()).rejects.toMatchObject({
      reason: 'unavailable',
      message: expect.stringContaining('certificate is not trusted'),
    })
    await vault.close()
  })
})
