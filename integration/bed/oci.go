// SPDX-License-Identifier: Apache-2.0

package bed

import "path/filepath"

// Images by the full names that containerd and CRI know them by.
const (
	FullImage  = "bed.invalid/bed:latest"
	PauseImage = "bed.invalid/bed-pause:latest"
)

// archive makes an image of one layer.
func archive(t T, name, rootfs string, config map[string]any) Archive {
	t.Helper()
	layer := filepath.Join(Dir(t, "layer"), "layer.tar")
	MustRun(t, "tar", "--numeric-owner", "-C", rootfs, "-cf", layer, ".")
	return Archive{Name: name, Config: config, Layers: []Layer{{File: layer, Digest: digest(t, layer)}}}
}

// workloadImage is busybox with the probe.
func workloadImage(t T) Archive {
	t.Helper()
	return archive(t, FullImage, Rootfs(t), map[string]any{
		"Env": []string{"PATH=/bin:/usr/bin"}, "Cmd": []string{"sleep", "300"},
	})
}

// pauseImage is like the real one: a single static program, and not one
// folder beside it.
func pauseImage(t T) Archive {
	t.Helper()
	root := filepath.Join(Dir(t, "pause"), "rootfs")
	mkdir(t, root)
	copyFile(t, probe(t), filepath.Join(root, "pause"))
	return archive(t, PauseImage, root, map[string]any{"Cmd": []string{"/pause", "pause"}})
}
