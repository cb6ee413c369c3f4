// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPin: a namespace has its name on the stage, and nobody else sees more than
// an empty file.
func TestPin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netns")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	onStage(t, func(*Stage) error {
		fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		var want, have unix.Stat_t
		if err := errors.Join(Pin(fd, file), unix.Fstat(fd, &want), statHere(file, &have)); err != nil {
			return err
		}
		if want.Dev != have.Dev || want.Ino != have.Ino {
			return fmt.Errorf("%s is another file than the namespace", file)
		}
		if err := os.Remove(file); err == nil {
			return errors.New("the name could be removed while it was in use")
		}
		if err := Unpin(file); err != nil {
			return err
		}
		if err := statHere(file, &have); err != nil || have.Ino == want.Ino {
			return fmt.Errorf("the name is still there: %w", err)
		}
		if err := Pin(fd, file+"x"); err == nil {
			return errors.New("pinned to a file that is not there")
		}
		return Pin(fd, file)
	})
	b, err := os.ReadFile(file)
	if err != nil || len(b) != 0 {
		t.Errorf("outside of the stage: %q, %v", b, err)
	}
	if err := os.Remove(file); err != nil {
		t.Error(err)
	}
}

// statHere is stat(2) by the calling thread, which is in a mount namespace of
// its own.
func statHere(file string, st *unix.Stat_t) error { return unix.Stat(file, st) }
