// SPDX-License-Identifier: Apache-2.0

package explained

import (
	"path"
	"strings"
)

// Locate tells from a bundle's path which ID its container has, and which state
// root the engine names to the runtime; "" for the runtime's own default.
func Locate(bundle string) (root, id string) {
	const tasks = "/io.containerd.runtime.v2.task/"
	id = path.Base(bundle)
	_, rest, ok := strings.Cut(bundle, tasks)
	if !ok {
		if id == "userdata" { // containers/storage: Podman, CRI-O
			id = path.Base(path.Dir(bundle))
		}
		return "", id
	}
	namespace, _, _ := strings.Cut(rest, "/")
	if namespace == "moby" {
		return "/var/run/docker/runtime-runc/moby", id
	}
	return "/run/containerd/runc/" + namespace, id
}
