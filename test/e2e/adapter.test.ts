import { describe } from 'vitest'
import { adapterContract } from '../contract/adapter.ts'
import { frameworks } from '../support/frameworks.ts'

const setups = [
  ['bare', { hasBodyParser: false, mountPath: '' }],
  ['behind a body parser', { hasBodyParser: true, mountPath: '' }],
  ['mounted at a path', { hasBodyParser: false, mountPath: '/team/app' }],
  ['mounted at a path, behind a body parser', { hasBodyParser: true, mountPath: '/team/app' }],
] as const

for (const framework of frameworks) {
  for (const [name, setup] of setups) {
    describe(`${framework.name}, ${name}`, () => adapterContract(framework, setup))
  }
}
