package main

import (
	"fmt"
	"time"

	"github.com/caddyserver/certmagic"
	"github.com/ipshipyard/p2p-forge/client"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
)

// autotls is a node as its users run it: it listens on MULTIADDR…, and its certificate manager obtains the certificate of
// those that say `/tls/sni/*.DOMAIN/ws`, and renews it. SSL_CERT_FILE names authorities.
func autotls(o options, listen []string) error {
	key, err := identity(o)
	if err != nil {
		return err
	}
	manager, err := client.NewP2PForgeCertMgr(
		client.WithForgeDomain(o.domain),
		client.WithForgeRegistrationEndpoint(o.broker),
		client.WithCAEndpoint(o.acme),
		client.WithCertificateStorage(&certmagic.FileStorage{Path: o.storage}),
		client.WithAllowPrivateForgeAddrs(),
		client.WithRenewCheckInterval(time.Second),
		client.WithOnCertLoaded(func() { fmt.Println("loaded") }),
		client.WithOnCertRenewed(func() { fmt.Println("renewed") }),
	)
	if err != nil {
		return err
	}
	node, err := libp2p.New(
		libp2p.Identity(key), libp2p.ListenAddrStrings(listen...),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(websocket.New, websocket.WithTLSConfig(manager.TLSConfig())),
		libp2p.AddrsFactory(manager.AddressFactory()),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.UserAgent("go-libp2p/interop"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		return err
	}
	defer node.Close()
	manager.ProvideHost(node)
	if err := manager.Start(); err != nil {
		return err
	}
	defer manager.Stop()
	fmt.Println("id", node.ID())
	fmt.Println("ready")
	waitUntilTold()
	return nil
}
