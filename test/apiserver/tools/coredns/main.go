// CoreDNS with the plugins that a test cluster's Corefile names, and no others: the stock program links the SDK of
// every cloud. It is here because its modules are part of the one graph in go.mod.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/log"
	_ "github.com/coredns/coredns/plugin/ready"
)

// The order in which a query passes the plugins.
func init() { dnsserver.Directives = []string{"errors", "health", "ready", "log", "cache", "kubernetes"} }

func main() { coremain.Run() }
