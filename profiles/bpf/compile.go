// SPDX-License-Identifier: Apache-2.0

//go:build cgo

package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// Compile makes the filter of a profile the way runc does
// (libcontainer/seccomp, InitSeccomp and matchCall): unknown names are dropped,
// rules equal to the default action are skipped, a rule that names an argument
// twice becomes one rule for each condition, and the binary tree is used where
// tree is set and there are more than 32 rules (runc 1.2 and later).
func Compile(profile *specs.LinuxSeccomp, tree bool) ([]unix.SockFilter, error) {
	filter, err := build(profile, tree)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	raw, err := export(filter.ExportBPF)
	if err != nil {
		return nil, err
	}
	prog := make([]unix.SockFilter, len(raw)/8)
	return prog, binary.Read(bytes.NewReader(raw), binary.NativeEndian, prog)
}

// PFC returns the filter in libseccomp's pseudo code (seccomp_export_pfc(3)).
func PFC(profile *specs.LinuxSeccomp, tree bool) ([]byte, error) {
	filter, err := build(profile, tree)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
	return export(filter.ExportPFC)
}

// Version returns the version of libseccomp.
func Version() string {
	major, minor, micro := libseccomp.GetLibraryVersion()
	return fmt.Sprintf("%d.%d.%d", major, minor, micro)
}

// Known reports whether libseccomp knows a call by name on this machine's
// architecture. Runtimes drop names that it does not know.
func Known(name string) bool {
	n, err := libseccomp.GetSyscallFromName(name)
	return err == nil && n >= 0
}

func build(profile *specs.LinuxSeccomp, tree bool) (_ *libseccomp.ScmpFilter, err error) {
	def, err := action(profile.DefaultAction, profile.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	filter, err := libseccomp.NewFilter(def)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			filter.Release()
		}
	}()
	native, err := libseccomp.GetNativeArch()
	if err != nil {
		return nil, err
	}
	hasNative := false
	for _, a := range profile.Architectures {
		arch, err := libseccomp.GetArchFromString(scmpToLib(a))
		if err != nil {
			return nil, err
		}
		hasNative = hasNative || arch == native
		if err := filter.AddArch(arch); err != nil {
			return nil, err
		}
	}
	if len(profile.Architectures) > 0 && !hasNative {
		// A profile for another machine: runc there would have it as native.
		if err := filter.RemoveArch(native); err != nil {
			return nil, err
		}
	}
	rules := 0 // runc counts a rule for each name
	for _, s := range profile.Syscalls {
		rules += len(s.Names)
	}
	if tree && rules > 32 {
		if err := filter.SetOptimize(2); err != nil {
			return nil, err
		}
	}
	if err := filter.SetNoNewPrivsBit(false); err != nil {
		return nil, err
	}
	for _, s := range profile.Syscalls {
		act, err := action(s.Action, s.ErrnoRet)
		if err != nil {
			return nil, err
		}
		if act == def {
			continue
		}
		for _, name := range s.Names {
			nr, err := libseccomp.GetSyscallFromName(name)
			if err != nil {
				continue // not known to this libseccomp: the default action refuses it
			}
			if err := addRule(filter, nr, act, s.Args); err != nil {
				return nil, fmt.Errorf("add rule for %s: %w", name, err)
			}
		}
	}
	return filter, nil
}

func addRule(filter *libseccomp.ScmpFilter, nr libseccomp.ScmpSyscall, act libseccomp.ScmpAction, args []specs.LinuxSeccompArg) error {
	if len(args) == 0 {
		return filter.AddRule(nr, act)
	}
	var conds []libseccomp.ScmpCondition
	seen := map[uint]bool{}
	twice := false
	for _, a := range args {
		op, ok := operators[a.Op]
		if !ok {
			return fmt.Errorf("operator %q", a.Op)
		}
		c, err := libseccomp.MakeCondition(a.Index, op, a.Value, a.ValueTwo)
		if err != nil {
			return err
		}
		twice = twice || seen[a.Index]
		seen[a.Index] = true
		conds = append(conds, c)
	}
	if !twice {
		return filter.AddRuleConditional(nr, act, conds)
	}
	for _, c := range conds {
		if err := filter.AddRuleConditional(nr, act, []libseccomp.ScmpCondition{c}); err != nil {
			return err
		}
	}
	return nil
}

var operators = map[specs.LinuxSeccompOperator]libseccomp.ScmpCompareOp{
	specs.OpNotEqual: libseccomp.CompareNotEqual, specs.OpLessThan: libseccomp.CompareLess,
	specs.OpLessEqual: libseccomp.CompareLessOrEqual, specs.OpEqualTo: libseccomp.CompareEqual,
	specs.OpGreaterEqual: libseccomp.CompareGreaterEqual, specs.OpGreaterThan: libseccomp.CompareGreater,
	specs.OpMaskedEqual: libseccomp.CompareMaskedEqual,
}

func action(a specs.LinuxSeccompAction, errno *uint) (libseccomp.ScmpAction, error) {
	n := uint(unix.EPERM)
	if errno != nil {
		n = *errno
	}
	switch a {
	case specs.ActAllow:
		return libseccomp.ActAllow, nil
	case specs.ActErrno:
		return libseccomp.ActErrno.SetReturnCode(int16(n)), nil
	case specs.ActTrace:
		return libseccomp.ActTrace.SetReturnCode(int16(n)), nil
	case specs.ActLog:
		return libseccomp.ActLog, nil
	case specs.ActNotify:
		return libseccomp.ActNotify, nil
	case specs.ActTrap:
		return libseccomp.ActTrap, nil
	case specs.ActKill, specs.ActKillThread:
		return libseccomp.ActKillThread, nil
	case specs.ActKillProcess:
		return libseccomp.ActKillProcess, nil
	}
	return libseccomp.ActInvalid, fmt.Errorf("action %q", a)
}

func scmpToLib(a specs.Arch) string {
	return map[specs.Arch]string{
		specs.ArchX86_64: "amd64", specs.ArchAARCH64: "arm64", specs.ArchX86: "x86",
		specs.ArchX32: "x32", specs.ArchARM: "arm",
	}[a]
}

func export(to func(*os.File) error) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	done := make(chan error, 1)
	go func() { _, err := io.Copy(&buf, r); done <- err }()
	err = errors.Join(to(w), w.Close(), <-done)
	return buf.Bytes(), err
}
