// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
)

func TestGivenDevice(t *testing.T) {
	const fuse = `"devices":[{"path":"/dev/fuse","type":"c","major":10,"minor":229}]`
	const bind = `{"destination":"/dev/fuse","type":"bind","source":"/dev/fuse","options":["bind"]}`
	for _, tt := range []struct {
		name, mounts, linux string
		allowed             []string
		want                bool
	}{
		{"none", "", "", []string{"/dev/fuse"}, false},
		{"allowed", "", fuse, []string{"/dev/fuse"}, true},
		{"not allowed", "", fuse, nil, false},
		{"one that every container has", "", `"devices":[{"path":"/dev/null","type":"c","major":1,"minor":3}]`, []string{"/dev/fuse"}, false},
		{"bound", bind, "", []string{"/dev/fuse"}, true},
		{"bound, not allowed", bind, "", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := parse(t, `{"ociVersion":"1.0.2","mounts":[`+tt.mounts+`],"linux":{`+tt.linux+`}}`)
			p := plan(doc, "docker")
			p.Profile.Devices = tt.allowed
			for m, src := range p.Facts.Sources {
				src.Mode = unix.S_IFCHR
				p.Facts.Sources[m] = src
			}
			if len(tt.allowed) > 0 {
				p.Facts.Devices = []host.Device{{Type: "c", Major: 10, Minor: 229}}
			}
			if got := GivenDevice(p, doc); got != tt.want {
				t.Errorf("%t, want %t", got, tt.want)
			}
		})
	}
}
