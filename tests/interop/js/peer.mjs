// A js-libp2p peer as a program: see ../README.md for the commands. Not part of swage, and nothing of swage is in it.
import { fstatSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { multiaddr } from '@multiformats/multiaddr'
import { listenAddress, pick, startNode } from './node.mjs'

// Resolves when the peer is told to end: SIGTERM, or the end of standard input if that is a pipe.
async function told () {
  await new Promise(resolve => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve)
    if (fstatSync(0).isFIFO()) process.stdin.once('end', resolve).resume()
  })
}

async function listen (options) {
  // The monitor pings all connections every ten seconds, and logs an error where one is just being closed, by anybody.
  const node = await startNode(options, { listen: [listenAddress(options.transport)], monitor: false })
  for (const address of node.getMultiaddrs()) console.log(address.toString())
  console.log('ready')
  await told()
  await node.stop()
}

async function dial (options, [address]) {
  if (!address?.includes('/p2p/')) throw new Error('expected one multiaddr with /p2p/ID')
  const node = await startNode(options)
  const signal = AbortSignal.timeout(15_000)
  const connection = await node.dial(multiaddr(address), { signal })
  console.log(`connection ${connection.encryption} ${connection.multiplexer}`)
  console.log(`pong ${await node.services.ping.ping(connection.remotePeer, { signal })}`)
  console.log(`agent ${(await node.services.identify.identify(connection, { signal })).agentVersion}`)
  await node.stop()
}

async function autotls (options, positionals) {
  const { serve } = await import('./autotls.mjs')
  const node = await serve(options, positionals)
  await told()
  await node.stop()
}

async function browse (options, addresses) {
  const { browse } = await import('./browse.mjs')
  await browse(addresses)
}

async function register (options, positionals) {
  const { register } = await import('./register.mjs')
  await register(options, positionals)
}

const options = {
  transport: { type: 'string', default: 'tcp' },
  security: { type: 'string', default: 'noise' },
  muxer: { type: 'string', default: 'yamux' },
  'key-type': { type: 'string', default: 'Ed25519' },
  key: { type: 'string' },
  announce: { type: 'string', multiple: true },
  broker: { type: 'string' },
  domain: { type: 'string' },
  acme: { type: 'string' },
  'renew-before': { type: 'string' },
  save: { type: 'string' }
}

try {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const [command, ...rest] = positionals
  await pick({ listen, dial, register, autotls, browse }, command, 'command')(values, rest)
  process.exit(0)
} catch (error) {
  const causes = []
  for (let each = error; each != null; each = each.cause) causes.push(`${each.name}: ${each.message}`)
  console.log(`failed: ${causes.join(': ')}`.replaceAll('\n', ' '))
  process.exit(1)
}
