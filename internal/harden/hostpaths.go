// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/spec"
)

// closedTrees are the places of the host that a container may not bind, nor
// anything inside them, nor anything above them: configuration and secrets of
// the host, the kernel's interfaces, sockets of daemons that run as root, and
// the stores of engines and clusters, from which every other container can be
// read or changed (CIS Docker Benchmark 5.6 and 5.32; Kubernetes PSS, hostPath).
var closedTrees = [...]string{
	"/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/root", "/boot",
	"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/var/lib/kubelet",
	"/var/lib/etcd", "/var/lib/cni", "/var/lib/crio", "/var/lib/rancher", "/var/lib/k0s",
	"/var/lib/cloud", "/var/spool/cron",
}

// readOnlyTrees may be bound read-only: the host's programs and libraries, and
// its logs, where runclad's own audit log lies.
var readOnlyTrees = [...]string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt/cni", "/var/log",
}

// readOnlyFiles lie in closed trees, hold no secret, and are often bound; they
// are made read-only.
var readOnlyFiles = [...]string{
	"/etc/localtime", "/etc/timezone", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
	"/etc/passwd", "/etc/group", "/etc/os-release", "/etc/machine-id", "/etc/ssl/certs", "/etc/ca-certificates",
	"/etc/pki/ca-trust", "/etc/pki/tls/certs", "/run/systemd/resolve/resolv.conf", "/run/systemd/resolve/stub-resolv.conf",
}

// sockets of engines give root on the host wherever they lie.
var sockets = [...]string{"docker.sock", "containerd.sock", "crio.sock", "podman.sock", "buildkitd.sock", "cri-dockerd.sock", "dockershim.sock"}

// applyHostPaths judges each bind by where the kernel says it leads.
func applyHostPaths(e *edit) {
	for _, m := range e.doc.Get("mounts").Elems() {
		if !host.IsBind(m) {
			continue
		}
		src := e.Facts.Sources[m]
		if harm := sensitive(e, m); harm != "" {
			e.refuse("host_paths = ["+quote(src.Path)+"]", "the mount at %s binds %s of the host%s: %s",
				m.Get("destination").Str(), src.Path, aside(m.Get("source").Str(), src.Path), harm)
			continue
		}
		if src.Mode != 0 && src.Path != m.Get("source").Str() && path.IsAbs(src.Path) && !strings.HasPrefix(src.Path, "/proc/") {
			// The shim has staged what could be put in its place meanwhile; see Fixed.
			e.doc.Set(m, "source", spec.Text(src.Path))
		}
	}
}

func aside(given, real string) string {
	if given == real {
		return ""
	}
	return " (given as " + given + ")"
}

// sensitive returns what a bind would undo, "" if nothing.
func sensitive(e *edit, m *spec.Value) string {
	src := e.Facts.Sources[m]
	given := m.Get("source").Str()
	if !path.IsAbs(given) {
		given = path.Join(e.Bundle, given) // as the runtimes do
	}
	given = path.Clean(given)
	if v, staged := e.Volumes[m]; staged && given == v.Staged { // staged by the shim from src
		given = src.Path
	}
	if engineSocket(src) && !slices.Contains(e.Profile.HostPaths, src.Path) {
		if allowedPath(e, src.Path) {
			return "an engine's socket gives root on the host, and has to be listed by its own path"
		}
		return "an engine's socket gives root on the host"
	}
	if isDevice(src) || allowedPath(e, src.Path) && src.Mode != 0 {
		return "" // devices are judged by their own step
	}
	if src.Alias != "" && !slices.Contains(readOnlyTrees[:], src.Alias) {
		return "it is the host's " + src.Alias
	}
	dest, readOnly := e.Facts.Destinations[m], loose(m, "ro") == ""
	if !kubeletOwn(src.Path) { // which binds volumes from its own folders itself
		for _, p := range src.Also {
			if harm := sensitivePath(e, p, readOnly); harm != "" && !engineOwn(e, p, dest) {
				return "it is " + p + " by another name: " + harm
			}
		}
	}
	if engineOwn(e, src.Path, dest) {
		return ""
	}
	for _, p := range [...]string{src.Path, given, src.Alias} {
		if p == "" {
			continue
		}
		if harm := sensitivePath(e, p, readOnly); harm != "" {
			return harm
		}
	}
	return ""
}

// engineSocket knows the socket of an engine by each of its names. A directory
// that holds one is another matter: where host_paths allows it, as agents of the
// node need of / or /run, the socket is reached through it.
func engineSocket(src host.Source) bool {
	if src.Mode != unix.S_IFSOCK {
		return false
	}
	known := func(p string) bool { return slices.Contains(sockets[:], path.Base(p)) }
	return known(src.Path) || slices.ContainsFunc(src.Also, known)
}

func sensitivePath(e *edit, p string, readOnly bool) string {
	if slices.Contains(readOnlyFiles[:], p) {
		return ""
	}
	for _, dir := range closedTrees {
		switch {
		case within(p, dir):
			return dir + " is closed to containers"
		case within(dir, p):
			return "it holds the host's " + dir
		}
	}
	for _, dir := range [...]string{e.Bundle, e.Root, e.Facts.Rootfs} {
		if dir != "" && within(dir, p) {
			return "it holds the runtime's own files (" + dir + ")"
		}
	}
	if e.Root != "" && within(p, e.Root) {
		return "it belongs to the runtime"
	}
	if inStore(p) {
		return "it belongs to an engine's store"
	}
	if readOnly {
		return ""
	}
	for _, dir := range readOnlyTrees {
		if within(p, dir) || within(dir, p) {
			return "it is writable, and " + dir + " holds programs or logs of the host; read-only it would pass"
		}
	}
	return ""
}

// mustBeReadOnly reports whether a bind passed only on condition.
func mustBeReadOnly(e *edit, m *spec.Value) bool {
	p := e.Facts.Sources[m].Path
	return slices.Contains(readOnlyFiles[:], p) && !allowedPath(e, p)
}

// within reports whether p is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// allowedPath reports whether the profile lists a path of the host; what is no
// bind has none.
func allowedPath(e *edit, p string) bool {
	if p == "" {
		return false
	}
	for _, dir := range e.Profile.HostPaths {
		if within(p, dir) {
			return true
		}
	}
	return false
}

func verifyHostPaths(e *edit) error {
	for _, m := range e.doc.Get("mounts").Elems() {
		if _, given := e.Facts.Destinations[m]; given && host.IsBind(m) {
			if harm := sensitive(e, m); harm != "" {
				return fmt.Errorf("%s: %s", m.Path(), harm)
			}
		}
	}
	return nil
}
