// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onStage runs f on a thread of its own, which is thrown away with its mount
// namespace.
func onStage(t *testing.T, f func(*Stage) error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		began := time.Now()
		s, err := Open(1 << 20)
		if err == nil {
			err = f(s)
		}
		t.Log(time.Since(began))
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func owner(t *testing.T, file string) [2]uint32 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(file, &st); err != nil {
		t.Error(err)
	}
	return [2]uint32{st.Uid, st.Gid}
}

const r = 2001234567

func tree(t *testing.T) (string, string) {
	t.Helper()
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	for _, d := range []string{a, b, b + "/sub"} {
		if err := errors.Join(os.Mkdir(d, 0o750), os.Chown(d, 999, 998)); err != nil {
			t.Fatal(err)
		}
	}
	for file, uid := range map[string]int{a + "/svc": 999, a + "/root": 0, b + "/low": 999} {
		if err := errors.Join(os.WriteFile(file, []byte("x"), 0o640), os.Chown(file, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	return a, b
}

func TestOverlay(t *testing.T) {
	a, b := tree(t)
	onStage(t, func(s *Stage) error {
		m, err := s.Overlay([]string{a, b}, Owner{UID: 999, GID: 998, ToUID: r, ToGID: r}, false)
		if err != nil {
			return err
		}
		for file, want := range map[string][2]uint32{"": {r, r}, "/svc": {r, 999}, "/root": {0, 0}, "/low": {r, 999}, "/sub": {r, r}} {
			if got := owner(t, m+file); got != want {
				t.Errorf("%s is %v, want %v", file, got, want)
			}
		}
		m = reach(t, m)
		return as(r, func() error {
			return errors.Join(os.WriteFile(m+"/svc", []byte("changed"), 0), os.Mkdir(m+"/new", 0o700), os.Chmod(m+"/sub", 0o700), os.Rename(m+"/low", m+"/sub/low"))
		})
	})
	if b, _ := os.ReadFile(a + "/svc"); string(b) != "x" {
		t.Error("the layer was changed")
	}
	if _, err := os.Stat(Dir + "/0"); err == nil {
		t.Error("the stage shows on the host")
	}
}

func TestAdditiveOverlay(t *testing.T) {
	a, _ := tree(t)
	if err := os.Chown(a, 0, 0); err != nil {
		t.Fatal(err)
	}
	onStage(t, func(s *Stage) error {
		m, err := s.Beside([]string{a}, nil)
		if err != nil {
			return err
		}
		m = reach(t, m)
		return as(r, func() error {
			if err := os.Remove(m + "/root"); !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
				t.Errorf("remove a file of the image: %v", err)
			}
			if err := os.Rename(m+"/root", m+"/away"); err == nil {
				t.Error("renamed a file of the image")
			}
			if err := os.WriteFile(m+"/root", []byte("changed"), 0); err == nil {
				t.Error("changed a file of the image")
			}
			return os.WriteFile(m+"/new", []byte("new"), 0o600)
		})
	})
}

func TestVolume(t *testing.T) {
	a, _ := tree(t)
	onStage(t, func(s *Stage) error {
		v, err := s.Volume(opened(t, a), a, &Owner{UID: 999, GID: 998, ToUID: r, ToGID: r})
		if err != nil {
			return err
		}
		v = reach(t, v)
		return as(r, func() error { return os.WriteFile(v+"/new", nil, 0o600) })
	})
	if got := owner(t, a+"/new"); got != [2]uint32{999, 998} {
		t.Errorf("on disk the new file is %v", got)
	}
}

func opened(t *testing.T, file string) int {
	t.Helper()
	fd, err := unix.Open(file, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// TestVolumeAsItIs: what was opened is what is shown, whatever has come to its place,
// as it is, and with what is mounted below it.
func TestVolumeAsItIs(t *testing.T) {
	a, b := tree(t)
	onStage(t, func(s *Stage) error {
		dir, file := opened(t, a), opened(t, a+"/svc")
		if err := errors.Join(os.Rename(a, a+"-away"), os.Symlink(b, a)); err != nil {
			return err
		}
		v, err := s.Volume(dir, a, nil)
		if err != nil {
			return err
		}
		w, err := s.Volume(file, a+"/svc", nil)
		if err != nil {
			return err
		}
		for name, want := range map[string][2]uint32{v + "/svc": {999, 999}, v + "/root": {0, 0}, w: {999, 999}} {
			if got := owner(t, name); got != want {
				t.Errorf("%s is %v, want %v", name, got, want)
			}
		}
		return nil
	})
}

// reach returns a name for dir that needs no right to the folders above, as in
// a container, where it is the root of a mount.
func reach(t *testing.T, dir string) string {
	t.Helper()
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("/proc/thread-self/fd/%d", fd)
}

// as runs f with the thread's own credentials (setresuid(2) without libc acts
// on the thread alone).
func as(id int, f func() error) error {
	for _, call := range []uintptr{syscall.SYS_SETRESGID, syscall.SYS_SETRESUID} {
		if _, _, errno := syscall.RawSyscall(call, uintptr(id), uintptr(id), uintptr(id)); errno != 0 {
			return errno
		}
	}
	return f()
}

// TestPrograms: what the image has to be executed can be, read-only, and what
// is written beside it cannot.
func TestPrograms(t *testing.T) {
	a, b := tree(t)
	for _, dir := range []string{a, b} {
		script := filepath.Join(dir, "bin/run")
		if err := errors.Join(os.Mkdir(dir+"/bin", 0o750), os.WriteFile(script, []byte("#!/bin/sh\nexit 0\n"), 0o750),
			os.Chown(dir+"/bin", 999, 998), os.Chown(script, 999, 998)); err != nil {
			t.Fatal(err)
		}
	}
	onStage(t, func(s *Stage) error {
		o := Owner{UID: 999, GID: 998, ToUID: r, ToGID: r}
		m, err := s.Overlay([]string{a, b}, o, false)
		if err != nil {
			return err
		}
		open, err := s.Overlay([]string{a, b}, o, true)
		if err != nil {
			return err
		}
		both, err := s.Programs([]string{a + "/bin", b + "/bin"}, o)
		if err != nil {
			return err
		}
		one, err := s.Programs([]string{a + "/bin"}, o)
		if err != nil {
			return err
		}
		file, err := s.Program(a + "/bin/run")
		if err != nil {
			return err
		}
		for at, want := range map[string]error{
			m + "/bin/run": unix.EACCES, open + "/bin/run": nil, both + "/run": nil, one + "/run": nil, file: nil,
		} {
			if err := unix.Access(at, unix.X_OK); !errors.Is(err, want) {
				t.Errorf("execute %s: %v, want %v", at, err, want)
			}
		}
		for _, dir := range []string{both, one} {
			if got := owner(t, dir+"/run"); got != [2]uint32{r, r} {
				t.Errorf("%s is %v", dir, got)
			}
			if err := os.WriteFile(dir+"/new", nil, 0o600); !errors.Is(err, unix.EROFS) {
				t.Errorf("write to %s: %v", dir, err)
			}
		}
		if err := os.WriteFile(file, []byte("x"), 0); !errors.Is(err, unix.EROFS) {
			t.Errorf("write to a program: %v", err)
		}
		return nil
	})
}

// TestAdd: root's directories in a service's take new files; what hides
// something, and what the image has there, stays as it is.
func TestAdd(t *testing.T) {
	a, _ := tree(t)
	for dir, mode := range map[string]uint32{"logs": 0o755, "logs/deep": 0o755, "logs/deep/er": 0o755, "logs/deep/er/est": 0o755, "keys": 0o700, "bin": 0o755} {
		if err := errors.Join(os.MkdirAll(filepath.Join(a, dir), 0o755)); err != nil {
			t.Fatal(err)
		}
		if err := unix.Chmod(filepath.Join(a, dir), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(a+"/logs/old", []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	onStage(t, func(s *Stage) error {
		m, err := s.Overlay([]string{a}, Owner{UID: 999, GID: 998, ToUID: r, ToGID: r}, false)
		if err == nil {
			err = s.Add(m)
		}
		if err != nil {
			return err
		}
		m = reach(t, m)
		return as(r, func() error {
			for file, may := range map[string]bool{
				"/logs/new": true, "/logs/deep/new": true, "/logs/deep/er/new": true, "/logs/deep/er/est/new": false,
				"/keys/new": false, "/bin/new": false, "/new": true, "/svc": true,
			} {
				if err := os.WriteFile(m+file, nil, 0o600); (err == nil) != may {
					t.Errorf("write %s: %v", file, err)
				}
			}
			for what, err := range map[string]error{
				"change": os.WriteFile(m+"/logs/old", nil, 0), "remove": os.Remove(m + "/logs/old"),
				"replace": os.Rename(m+"/logs/new", m+"/logs/old"),
			} {
				if err == nil {
					t.Errorf("could %s a file of the image", what)
				}
			}
			return nil
		})
	})
}
