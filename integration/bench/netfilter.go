// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/google/nftables"

// netfilter gives the bed an output hook for IPv4 and IPv6, as every host has on
// which Docker, kube-proxy or a firewall has set rules. Without one the kernel
// switches its hooks on with the first container's block and off with its end,
// by patching its own code (static keys, nf_register_net_hook), and that would
// be counted for each container.
func netfilter() error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	table := c.AddTable(&nftables.Table{Name: "host", Family: nftables.TableFamilyINet})
	c.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter,
	})
	return c.Flush()
}
