/**
 * The key stores, in a process of their own: the emulators of the tests, which are written in
 * TypeScript, so that it takes a Node that can run that.
 *
 * @module
 */

import { generateKeyPairSync } from 'node:crypto'

const support = '../kms/support'
const folder = (path) => import(new URL(`${support}/${path}`, import.meta.url).href)
const closers = []

const makers = {
  async aws(alg) {
    const { startKmsServer } = await folder('aws/kms-server.ts')
    const server = await startKmsServer()
    closers.push(server.close)
    const identity = { accessKeyId: 'AKIABENCH', secretAccessKey: 'a-good-secret' }
    server.admit(identity)
    const { arn } = server.keys.createKey(alg === 'RS256' ? 'RSA_2048' : 'ECC_NIST_P256')
    return { keyId: arn, region: server.region, url: server.url, identity }
  },
  async 'gcp-rest'(alg) {
    const { startRestServer } = await folder('gcp/rest-server.ts')
    const { service, ...place } = await createGoogleKey(alg)
    const { port, close } = await startRestServer(service)
    closers.push(close)
    return { ...place, port }
  },
  async 'gcp-grpc'(alg) {
    const { startGrpcServer } = await folder('gcp/grpc-server.ts')
    const { generateCertificate } = await folder('certificate.ts')
    const { service, ...place } = await createGoogleKey(alg)
    const certificate = generateCertificate()
    const { port, close } = await startGrpcServer(service, certificate)
    closers.push(close)
    return { ...place, port, certificate: certificate.cert }
  },
  async azure(alg) {
    const { generateCertificate } = await folder('certificate.ts')
    const { startKeyVault } = await folder('azure/key-vault.ts')
    const certificate = generateCertificate()
    const vault = await startKeyVault(certificate)
    closers.push(vault.close)
    const name = 'bench'
    const { id: version } = vault.createVersion(name, alg === 'RS256' ? 'RSA' : 'P-256')
    return { vaultUrl: vault.url, name, version, token: vault.token, ca: certificate.cert }
  },
  async vault(alg) {
    const { administerVault } = await folder('vault/administration.ts')
    const { startVaultEmulator } = await folder('vault/emulator.ts')
    const { address, rootToken, close } = await startVaultEmulator()
    closers.push(close)
    const administration = administerVault(address, rootToken)
    await administration.post('sys/mounts/transit', { type: 'transit' })
    await administration.writePolicy('bench', {
      'transit/keys/*': ['read'],
      'transit/sign/*': ['update'],
    })
    await administration.createKey('bench', alg)
    return { key: 'bench', address, token: await administration.createToken('bench') }
  },
  async pkcs11(alg) {
    const { pin, skipReason, startSoftHsm } = await folder('pkcs11/softhsm.ts')
    if (skipReason) return { skipped: skipReason.replace('skipped: ', '') }
    const hsm = await startSoftHsm(['bench'])
    closers.push(hsm.close)
    const object = `bench ${alg}`
    await hsm.importKey({ token: 'bench', object, id: '01', pem: generatePem(alg) })
    const configuration = process.env.SOFTHSM2_CONF
    return { modulePath: hsm.modulePath, configuration, token: 'bench', object, pin }
  },
}

async function createGoogleKey(alg) {
  const { findAlgorithm } = await folder('gcp/algorithms.ts')
  const { createService, token } = await folder('gcp/cloud-kms.ts')
  const { createKeyRing } = await folder('gcp/key-ring.ts')
  const ring = createKeyRing({ pageSize: 10 })
  ring.createKey('bench', findAlgorithm(alg))
  return { service: createService(ring), name: `${ring.name}/cryptoKeys/bench`, token }
}

function generatePem(alg) {
  const { privateKey } =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' })
}

/** Makes a key in a store of its own; the one before is gone. */
async function make({ kind, alg }) {
  await close()
  return await makers[kind](alg)
}

async function close() {
  for (const end of closers.splice(0)) await end()
}

process.on('message', async ({ id, ...job }) => {
  try {
    process.send({ id, answer: await make(job) })
  } catch (error) {
    process.send({ id, error: error.stack })
  }
})
process.on('disconnect', async () => {
  await close()
  process.exit()
})
process.send({ ready: {} })
