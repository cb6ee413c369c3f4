// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/record/rundir"
	"github.com/runclad/runclad/internal/spec"
)

// Place is where a policy is kept.
type Place struct {
	// File is the main file, Dir the folder of the files NAME.toml whose rules
	// are tried before its own, in the order of their names.
	File, Dir string
}

// System is the place that the shim reads.
var System = Place{File: control.PolicyFile, Dir: control.PolicyDir}

// ErrPolicy is wrapped by every error about the policy.
var ErrPolicy = errors.New("policy")

// Load returns the policy; the built-in defaults hold where there is none, and
// for each key that it leaves out. A file that someone else than root could
// write, or that holds anything unknown, is an error: containers are refused
// until it is mended, unless the policy that held before says
// on_error = "last-good".
//
// Its compiled form is kept in state (a folder that only root can write to), and
// taken from there as long as no file has changed. The notes say what is odd.
func (pl Place) Load(state rundir.Dir) (*Policy, []string, error) {
	for range maxReads {
		before, err := pl.look()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", ErrPolicy, err)
		}
		if len(before.files) == 0 {
			return Default(), nil, nil
		}
		if p := fromCompiled(state, before.stamp); p != nil {
			return p, nil, nil
		}
		if time.Since(before.changed) < racy {
			time.Sleep(settled) // an editor may be in the middle of it
		}
		texts, err := before.read()
		// All of it has to be of one moment; what went wrong while a file was being
		// changed counts as little as what was read.
		if after, errAfter := pl.look(); errAfter != nil || after.stamp != before.stamp {
			continue
		}
		var p *Policy
		if err == nil {
			p, err = Parse(texts...)
		}
		if err != nil {
			return lastGood(state, fmt.Errorf("%w: %w", ErrPolicy, err))
		}
		if time.Since(before.changed) > racy {
			keepCompiled(state, before.stamp, p)
		}
		return p, nil, nil
	}
	return nil, nil, fmt.Errorf("%w: %s or %s changed each of the %d times it was read; write the file elsewhere and rename it", ErrPolicy, pl.File, pl.Dir, maxReads)
}

const (
	maxReads = 20
	// settled is for how long the files must not change before they are taken
	// for whole: long enough for a program that truncates a file and writes it
	// anew.
	settled = 25 * time.Millisecond
	// racy is how old a change has to be before its time means anything: file
	// systems take it from a clock that goes in steps of up to 10 ms (one jiffy),
	// and that was seen to be 50 ms late on a busy virtual machine.
	racy = time.Second
)

// Read returns the policy as its files have it now.
func (pl Place) Read() (*Policy, error) {
	texts, err := pl.Texts()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if len(texts) == 0 {
		return Default(), nil
	}
	p, err := Parse(texts...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	return p, nil
}

// Texts returns the files, in the order in which their rules are tried.
func (pl Place) Texts() ([]Text, error) {
	now, err := pl.look()
	if err != nil {
		return nil, err
	}
	return now.read()
}

// snapshot is what the kernel says of the files, without their content.
type snapshot struct {
	files   []string
	stamp   string    // changes whenever a file does
	changed time.Time // the latest change
}

func (pl Place) look() (*snapshot, error) {
	s := &snapshot{}
	var b strings.Builder
	names, err := tomlFiles(pl.Dir)
	if err != nil {
		return nil, err
	}
	for _, file := range append(names, pl.File) {
		var st unix.Stat_t
		err := unix.Lstat(file, &st)
		if errors.Is(err, unix.ENOENT) {
			continue // there is none, or it has just gone from the folder
		}
		if err != nil {
			return nil, &os.PathError{Op: "stat", Path: file, Err: err}
		}
		s.files = append(s.files, file)
		b.WriteString(file)
		for _, n := range [...]int64{
			int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Sec, st.Mtim.Nsec, st.Ctim.Sec, st.Ctim.Nsec, int64(st.Uid), int64(st.Mode),
		} {
			b.WriteByte(' ')
			b.WriteString(strconv.FormatInt(n, 10))
		}
		b.WriteByte('\n')
		if t := time.Unix(st.Ctim.Unix()); t.After(s.changed) {
			s.changed = t
		}
	}
	s.stamp = b.String()
	return s, nil
}

// tomlFiles lists the folder's files, sorted. Others than *.toml, and hidden
// ones, as editors and package managers leave behind, do not count. The folder
// has to be root's, since its files take effect by being there.
func tomlFiles(dir string) ([]string, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	d := os.NewFile(uintptr(fd), dir)
	defer d.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	if err := trusted(dir, st.Uid, st.Mode); err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var out []string
	for _, name := range names {
		if strings.HasSuffix(name, ".toml") && name[0] != '.' {
			out = append(out, dir+"/"+name)
		}
	}
	slices.Sort(out)
	return out, nil
}

func trusted(name string, uid, mode uint32) error {
	if uid != 0 || mode&0o022 != 0 {
		return fmt.Errorf("%s: is owned by UID %d with mode %04o; it must be root's and writable by root alone (chown root %s; chmod go-w %s)", name, uid, mode&0o7777, name, name)
	}
	return nil
}

func (s *snapshot) read() ([]Text, error) {
	var out []Text
	for _, name := range s.files {
		f, err := spec.ReadFile(name)
		if err != nil {
			return nil, err
		}
		uid, mode := f.Owner()
		if err := trusted(name, uid, mode); err != nil {
			return nil, err
		}
		out = append(out, Text{Name: name, Data: f.Data()})
	}
	return out, nil
}
