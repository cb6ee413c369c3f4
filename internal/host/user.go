// SPDX-License-Identifier: Apache-2.0

package host

import (
	"strings"

	"github.com/runclad/runclad/internal/spec"
)

// userOf is whom the spec asks for, before anything is hardened.
func userOf(doc *spec.Document, homeOf func(uid uint32) string) User {
	process := doc.Get("process")
	u := User{Cwd: process.Get("cwd").Str()}
	if n, ok := process.Get("user", "uid").Int64(); ok {
		u.UID = uint32(n)
	}
	if n, ok := process.Get("user", "gid").Int64(); ok {
		u.GID = uint32(n)
	}
	for _, g := range process.Get("user", "additionalGids").Elems() {
		if n, ok := g.Int64(); ok {
			u.Groups = append(u.Groups, uint32(n))
		}
	}
	for _, kv := range process.Get("env").Elems() {
		if home, ok := strings.CutPrefix(kv.Str(), "HOME="); ok {
			u.Home = home
		}
	}
	if u.Home == "" {
		u.Home = homeOf(u.UID)
	}
	if !strings.HasPrefix(u.Home, "/") {
		u.Home = ""
	}
	return u
}
