// SPDX-License-Identifier: Apache-2.0

package workload

import (
	"strings"
	"testing"
)

func TestImageNames(t *testing.T) {
	for in, want := range map[Workload]string{
		{}:               "",
		{Image: "nginx"}: "nginx docker.io/library/nginx docker.io/library/nginx:latest",
		{Image: "nginx:1.25", ImageID: "sha256:aa"}: "nginx:1.25 nginx docker.io/library/nginx docker.io/library/nginx:1.25 sha256:aa",
		{Image: "me/app@sha256:bb"}:                 "me/app@sha256:bb me/app docker.io/me/app docker.io/me/app@sha256:bb sha256:bb",
		{Image: "localhost/app:1"}:                  "localhost/app:1 localhost/app",
		{Image: "registry.example.com:5000/a/b"}:    "registry.example.com:5000/a/b registry.example.com:5000/a/b:latest",
		{Image: "r.example/a:1@sha256:cc"}:          "r.example/a:1@sha256:cc r.example/a r.example/a:1 r.example/a@sha256:cc sha256:cc",
		{Image: "sha256:dd", ImageID: "sha256:dd"}:  "sha256:dd",
		{ImageID: "sha256:ee"}:                      "sha256:ee",
	} {
		if got := strings.Join(in.ImageNames(), " "); got != want {
			t.Errorf("%s: %s\nwant %s", in.Image, got, want)
		}
	}
}
