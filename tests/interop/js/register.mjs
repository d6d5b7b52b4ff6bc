// One registration by the real AutoTLS client of js-libp2p: the call that it makes while it orders a certificate, with
// libp2p's authentication over HTTP, but without an ACME server. The client does not begin an order by itself, since a
// node that listens nowhere has no public address.
import { autoTLS } from '@ipshipyard/libp2p-auto-tls'
import { http } from '@libp2p/http'
import { keychain } from '@libp2p/keychain'
import { multiaddr } from '@multiformats/multiaddr'
import { startNode } from './node.mjs'

// BROKER VALUE MULTIADDR…; the broker's certificate is checked against NODE_EXTRA_CA_CERTS too.
export async function register (options, [broker, value, ...addresses]) {
  const node = await startNode(options, {
    services: { keychain: keychain(), http: http(), autoTLS: autoTLS({ forgeEndpoint: broker, autoConfirmAddress: true }) }
  })
  const signal = AbortSignal.timeout(30_000)
  await node.services.autoTLS.configureAcmeChallengeResponse(addresses.map(a => multiaddr(a)), value, { signal })
  console.log(`registered ${node.peerId}`)
  await node.stop()
}
