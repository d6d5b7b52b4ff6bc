// external-dns's provider for RFC 2136, without Kubernetes: applies changes (plan.Changes, as JSON, one after another on
// standard input) to a zone by updates, and writes after each what records the zone has by a transfer, a line each.
//
//	external-dns-peer PORT ZONE KEY SECRET
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"

	"sigs.k8s.io/external-dns/endpoint"
	"sigs.k8s.io/external-dns/pkg/apis/externaldns"
	"sigs.k8s.io/external-dns/plan"
	"sigs.k8s.io/external-dns/provider/rfc2136"
)

func run() error {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		return err
	}
	zone := os.Args[2]
	config := externaldns.NewConfig()
	config.RFC2136Host = []string{"127.0.0.1"}
	config.RFC2136Port = port
	config.RFC2136Zone = []string{zone}
	config.RFC2136TSIGKeyName = os.Args[3]
	config.RFC2136TSIGSecret = os.Args[4]
	config.RFC2136TSIGSecretAlg = "hmac-sha256"
	config.RFC2136TAXFR = true
	config.RFC2136BatchChangeSize = 50
	provider, err := rfc2136.New(context.Background(), config, endpoint.NewDomainFilter([]string{zone}))
	if err != nil {
		return err
	}
	input := json.NewDecoder(os.Stdin)
	for step := 1; ; step++ {
		changes := &plan.Changes{}
		if err := input.Decode(changes); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := provider.ApplyChanges(context.Background(), changes); err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		records, err := provider.Records(context.Background())
		if err != nil {
			return fmt.Errorf("step %d: %w", step, err)
		}
		lines := []string{}
		for _, each := range records {
			sort.Strings(each.Targets)
			lines = append(lines, fmt.Sprintf("%d %s %s %d %s", step, each.DNSName, each.RecordType, each.RecordTTL, each.Targets))
		}
		sort.Strings(lines)
		for _, line := range lines {
			fmt.Println(line)
		}
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
