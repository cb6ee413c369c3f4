// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/stage"
)

// stores are where engines keep root file systems and volumes.
var stores = []string{
	"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers/storage", "/var/lib/kubelet",
	"/srv", "/home", "/tmp",
}

// filesystems tries on each filesystem what the shim does with a container's
// writable places and volumes: an idmapped mount, and an overlay with one below.
func (h *Host) filesystems(a *area) {
	dirs := slices.Clone(stores)
	for _, d := range h.engines("dockerd") {
		dirs = append(dirs, d.Flag("data-root", "g"))
	}
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		a.unknown("idmap", err)
		return
	}
	seen := map[uint64]bool{}
	tried := false
	for _, dir := range dirs {
		var st unix.Stat_t
		if dir == "" || unix.Stat(dir, &st) != nil || seen[uint64(st.Dev)] {
			continue
		}
		seen[uint64(st.Dev)] = true
		tried = true
		kind := fsType(mounts, dir)
		err := onStage(func(s *stage.Stage, o stage.Owner) error {
			fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
			if err != nil {
				return &os.PathError{Op: "open", Path: dir, Err: err}
			}
			defer unix.Close(fd)
			if _, err := s.Volume(fd, dir, &o); err != nil {
				return fmt.Errorf("idmapped mount: %w", err)
			}
			if _, err := s.Overlay([]string{dir}, o, false); err != nil {
				return fmt.Errorf("overlay over an idmapped mount: %w", err)
			}
			return nil
		})
		check := dir + " (" + kind + ")"
		switch {
		case err == nil:
			a.ok(check, "can be idmapped, and overlaid so")
		case errors.Is(err, unix.EPERM) && os.Geteuid() != 0, errors.As(err, new(errUnknown)):
			a.unknown(check, err)
		case dir == "/tmp" && kind == "tmpfs":
			a.warn(check, "Linux 6.3 can do it", "cannot be idmapped; a volume from there keeps its owner: %v", err)
		default:
			a.problem(check, "use another filesystem for container stores and volumes, or a newer kernel (ext4 5.12, xfs 5.12, btrfs 5.15, overlay 5.19, tmpfs 6.3)", "%v", err)
		}
	}
	if !tried {
		a.unknown("idmap", errors.New("none of the usual stores is there"))
	}
}

// onStage runs f in a mount namespace of its own, on a thread that ends with it.
func onStage(f func(*stage.Stage, stage.Owner) error) error {
	_, errDir := os.Lstat(filepath.Dir(stage.Dir))
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			s, err := stage.Open(1 << 20)
			if err != nil {
				return errUnknown{err}
			}
			to := policy.Default().Profile().UIDRange[0]
			return f(s, stage.Owner{ToUID: to, ToGID: to})
		}()
	}()
	err := <-done
	if errors.Is(errDir, os.ErrNotExist) { // it was made for this
		_ = os.Remove(stage.Dir)
		_ = os.Remove(filepath.Dir(stage.Dir))
	}
	return err
}

// fsType is the type of the mount that a path is on: the longest that leads to
// it, the last one mounted there.
func fsType(mounts []*mountinfo.Info, path string) string {
	best, kind := -1, "unknown"
	for _, m := range mounts {
		if below(path, m.Mountpoint) && len(m.Mountpoint) >= best {
			best, kind = len(m.Mountpoint), m.FSType
		}
	}
	return kind
}

func below(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}
