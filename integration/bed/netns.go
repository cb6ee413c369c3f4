// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"strconv"
)

// nsPrefix begins the name of every network namespace that a bed makes.
const nsPrefix = "rcbed-"

// NetNS makes a named network namespace with an interface eth0 that reaches
// the bed, over IPv4 and IPv6, and a default route through it: what a CNI
// plugin leaves for a pod. It returns the path for the spec.
func NetNS(t T) string {
	t.Helper()
	name := fmt.Sprintf("%s%d", nsPrefix, next())
	MustRun(t, "ip", "netns", "add", name)
	t.Cleanup(func() { Run("ip", "netns", "del", name) })
	connect(t, name)
	return "/run/netns/" + name
}

// connect lays a cable from the bed into a named network namespace.
func connect(t T, name string) {
	t.Helper()
	n := next()
	host := fmt.Sprintf("rcv%d", n)
	v4, v6 := fmt.Sprintf("10.%d.%d.", 64+n>>8&63, n&255), fmt.Sprintf("fd77:%x::", n)
	ip := func(args ...string) { t.Helper(); MustRun(t, append([]string{"ip"}, args...)...) }
	ip("link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", name)
	t.Cleanup(func() { Run("ip", "link", "del", host) })
	ip("addr", "add", v4+"1/24", "dev", host)
	ip("addr", "add", v6+"1/64", "dev", host, "nodad")
	ip("link", "set", host, "up")
	ip("-n", name, "link", "set", "lo", "up")
	ip("-n", name, "addr", "add", v4+"2/24", "dev", "eth0")
	ip("-n", name, "addr", "add", v6+"2/64", "dev", "eth0", "nodad")
	ip("-n", name, "link", "set", "eth0", "up")
	ip("-n", name, "route", "add", "default", "via", v4+"1")
	ip("-n", name, "-6", "route", "add", "default", "via", v6+"1")
}

// sysctl writes a setting of the bed's network namespace.
func sysctl(path, value string) error {
	if err := os.WriteFile("/proc/sys/"+path, []byte(value), 0o644); err != nil {
		return fmt.Errorf("sysctl %s: %w", path, err)
	}
	return nil
}

// Connect gives the network namespace of a process an interface that reaches
// the bed, and brings lo up: what an engine does between create and start.
func Connect(t T, pid int) {
	t.Helper()
	name := fmt.Sprintf("%s%d", nsPrefix, next())
	MustRun(t, "ip", "netns", "attach", name, strconv.Itoa(pid))
	t.Cleanup(func() { Run("ip", "netns", "del", name) })
	connect(t, name)
}
