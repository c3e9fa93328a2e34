import { MemoryStore } from 'express-session'
import { expect, test } from 'vitest'
import { express5App } from '../support/apps/express.ts'
import { secret, signIn, startSetting } from '../support/setting.ts'

test('a process that died while somebody signed in keeps nobody else of theirs from it', async () => {
  const heldUntil = new Map<string, number>()
  let isDying = true
  const setting = await startSetting(express5App, {
    session: {
      secret,
      store: new MemoryStore(),
      // A lock lasts as long as what is done under it may
      storeTimeout: 0.3,
      async lock(name, seconds) {
        if ((heldUntil.get(name) ?? 0) > performance.now()) return undefined
        heldUntil.set(name, performance.now() + seconds * 1000)
        if (isDying) {
          isDying = false
          throw new Error('this process has died, and gives no lock back')
        }
        return async () => void heldUntil.delete(name)
      },
    },
  })
  try {
    await expect(signIn(setting)).rejects.toThrow('the login ended with 503')
    // Not at once, but before the patience ends with which others wait
    await expect(signIn(setting)).resolves.toBeDefined()
  } finally {
    await setting.close()
  }
})
