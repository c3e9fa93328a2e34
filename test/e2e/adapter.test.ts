import { describe } from 'vitest'
import { adapterContract } from '../contract/adapter.ts'
import { frameworks } from '../support/frameworks.ts'

for (const framework of frameworks) {
  describe(`${framework.name}, bare`, () => {
    adapterContract(framework, { hasBodyParser: false, mountPath: '' })
  })
  describe(`${framework.name}, behind a body parser`, () => {
    adapterContract(framework, { hasBodyParser: true, mountPath: '' })
  })
  describe(`${framework.name}, mounted at a path`, () => {
    adapterContract(framework, { hasBodyParser: false, mountPath: '/team/app' })
  })
}
