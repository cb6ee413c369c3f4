// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"path"
	"strings"

	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/workload"
)

// engineOwn reports whether a bind is one that the engine itself makes for each
// container, or a volume that it manages. They lie in places that are closed
// otherwise. Only the exact shapes pass, and only under the engine whose they
// are: nobody but the engine writes to its store.
func engineOwn(e *edit, src, dest string) bool {
	if Own(src, dest) {
		return true
	}
	switch e.Workload.Engine {
	case workload.Docker:
		return dockerOwn(src, dest)
	case workload.CRI, workload.CRIO:
		return criOwn(src, dest) || storageOwn(src, dest) || kubeletOwn(src)
	case workload.Podman:
		return storageOwn(src, dest)
	}
	return false
}

// Own recognises the files that runclad mounted when a bundle was hardened
// before; the identity step puts this container's in their place. They may be
// gone by now.
func Own(src, dest string) bool {
	return strings.HasPrefix(src, record.DefaultDir+"/container/") && path.Base(src) == path.Base(dest) &&
		(dest == "/etc/passwd" || dest == "/etc/group")
}

// dockerOwn knows <data-root>/containers/<id>/… and <data-root>/volumes/….
func dockerOwn(src, dest string) bool {
	dir, file := path.Split(src)
	dir = path.Clean(dir)
	if hexID(path.Base(dir)) && path.Base(path.Dir(dir)) == "containers" {
		return file == path.Base(dest) && generated(dest)
	}
	if path.Base(dir) == "mounts" && hexID(path.Base(path.Dir(dir))) {
		return file == "shm" && dest == "/dev/shm" || strings.HasPrefix(dest, "/run/secrets/")
	}
	if dest == "/sbin/docker-init" || dest == "/usr/sbin/docker-init" {
		return file == "docker-init" || file == "tini" || file == "tini-static"
	}
	return volume(src)
}

// volume knows …/volumes/<name>/_data of Docker and Podman.
func volume(src string) bool {
	i := strings.Index(src, "/_data")
	if i < 0 || len(src) > i+6 && src[i+6] != '/' {
		return false
	}
	return path.Base(path.Dir(src[:i])) == "volumes"
}

// nerdctlOwn knows …/volumes/<namespace>/<name>/_data of nerdctl.
func nerdctlOwn(src string) bool {
	dir, ok := strings.CutSuffix(src, "/_data")
	return ok && path.Base(path.Dir(path.Dir(dir))) == "volumes"
}

// criOwn knows containerd's <root>/io.containerd.grpc.v1.cri/….
func criOwn(src, dest string) bool {
	_, rest, ok := strings.Cut(src, "/io.containerd.grpc.v1.cri/")
	if !ok {
		return false
	}
	parts := strings.SplitN(rest, "/", 4)
	switch {
	case len(parts) == 3 && parts[0] == "sandboxes" && hexID(parts[1]):
		return parts[2] == path.Base(dest) && generated(dest)
	case len(parts) == 4 && parts[0] == "containers" && hexID(parts[1]):
		return parts[2] == "volumes"
	}
	return false
}

// kubeletOwn knows what the kubelet prepares for a pod (volumes, sub-paths,
// /etc/hosts, the termination log); kubelet's own directory is
// /var/lib/kubelet unless --root-dir moves it, and then it is no closed place.
func kubeletOwn(src string) bool {
	rest, ok := strings.CutPrefix(src, "/var/lib/kubelet/pods/")
	if !ok {
		return false
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 2 {
		return false
	}
	switch parts[1] {
	case "volumes", "volume-subpaths", "containers":
		return len(parts) > 3
	case "etc-hosts":
		return len(parts) == 2
	}
	return false
}

// storageOwn knows the files of containers/storage (Podman, CRI-O).
func storageOwn(src, dest string) bool {
	dir, file := path.Split(src)
	dir = path.Clean(dir)
	if path.Base(dir) == "userdata" && hexID(path.Base(path.Dir(dir))) && strings.HasSuffix(path.Dir(path.Dir(dir)), "-containers") {
		return file == path.Base(dest) && (generated(dest) || dest == "/run/.containerenv" || dest == "/etc/passwd" || dest == "/etc/group")
	}
	if dest == "/dev/init" || dest == "/run/podman-init" {
		return file == "catatonit" || file == "tini"
	}
	return volume(src)
}

// generated are the files that engines write for a container.
func generated(dest string) bool {
	switch dest {
	case "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm":
		return true
	}
	return false
}

// inStore recognises an engine's store by its shape, wherever it lies: the
// folders of containerd's plugins, and layers and containers named by digest.
func inStore(p string) bool {
	if strings.Contains(p, "/io.containerd.") {
		return true
	}
	parts := strings.Split(p, "/")
	for i := 1; i < len(parts); i++ {
		if !hexID(parts[i]) {
			continue
		}
		switch parent := parts[i-1]; {
		case parent == "overlay2", parent == "overlay", parent == "vfs", parent == "containers", strings.HasSuffix(parent, "-containers"):
			return true
		}
	}
	return false
}

// hexID recognises a container ID or digest: 64 hexadecimal digits.
func hexID(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }
