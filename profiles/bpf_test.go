// SPDX-License-Identifier: Apache-2.0

package profiles

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// AUDIT_ARCH_* of include/uapi/linux/audit.h.
const (
	auditAMD64 = 0xc000003e
	auditARM64 = 0xc00000b7
	auditI386  = 0x40000003
	auditARM   = 0x40000028
)

// Actions of include/uapi/linux/seccomp.h; the low 16 bits are data.
const (
	retKillThread = 0x00000000
	retErrno      = 0x00050000
	retAllow      = 0x7fff0000
)

// callInfo is struct seccomp_data.
type callInfo struct {
	nr   int32
	arch uint32
	ip   uint64
	args [6]uint64
}

// compile makes the filter of a profile the way runc does
// (libcontainer/seccomp, InitSeccomp and matchCall): unknown names are dropped,
// rules equal to the default action are skipped, a rule that names an argument
// twice becomes one rule for each condition, and the binary tree is used where
// tree is set and there are more than 32 rules (runc 1.2 and later).
func compile(profile *specs.LinuxSeccomp, tree bool) ([]unix.SockFilter, error) {
	def, err := action(profile.DefaultAction, profile.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	filter, err := libseccomp.NewFilter(def)
	if err != nil {
		return nil, err
	}
	defer filter.Release()
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
	if !hasNative {
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
	return export(filter)
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
	switch a {
	case specs.ActAllow:
		return libseccomp.ActAllow, nil
	case specs.ActErrno:
		n := uint(unix.EPERM)
		if errno != nil {
			n = *errno
		}
		return libseccomp.ActErrno.SetReturnCode(int16(n)), nil
	}
	return libseccomp.ActInvalid, fmt.Errorf("action %q", a)
}

func scmpToLib(a specs.Arch) string {
	return map[specs.Arch]string{
		specs.ArchX86_64: "amd64", specs.ArchAARCH64: "arm64", specs.ArchX86: "x86",
		specs.ArchX32: "x32", specs.ArchARM: "arm",
	}[a]
}

func export(filter *libseccomp.ScmpFilter) ([]unix.SockFilter, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var buf bytes.Buffer
	done := make(chan error, 1)
	go func() { _, err := io.Copy(&buf, r); done <- err }()
	err = filter.ExportBPF(w)
	w.Close()
	if cerr := <-done; err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	prog := make([]unix.SockFilter, buf.Len()/8)
	return prog, binary.Read(&buf, binary.NativeEndian, prog)
}

// interpret runs a classic BPF program over seccomp_data as the kernel does
// (kernel/seccomp.c seccomp_check_filter: 32-bit absolute loads in native byte
// order, no packet loads) and returns the action and the number of
// instructions it took.
func interpret(prog []unix.SockFilter, d *callInfo) (uint32, int, error) {
	var a, x uint32
	var mem [16]uint32
	steps := 0
	for pc := 0; pc < len(prog); pc++ {
		steps++
		in := prog[pc]
		switch in.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			v, err := d.word(in.K)
			if err != nil {
				return 0, steps, err
			}
			a = v
		case unix.BPF_LD | unix.BPF_IMM:
			a = in.K
		case unix.BPF_LD | unix.BPF_MEM:
			a = mem[in.K]
		case unix.BPF_LDX | unix.BPF_IMM:
			x = in.K
		case unix.BPF_LDX | unix.BPF_MEM:
			x = mem[in.K]
		case unix.BPF_ST:
			mem[in.K] = a
		case unix.BPF_STX:
			mem[in.K] = x
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= in.K
		case unix.BPF_MISC | unix.BPF_TAX:
			x = a
		case unix.BPF_MISC | unix.BPF_TXA:
			a = x
		case unix.BPF_JMP | unix.BPF_JA:
			pc += int(in.K)
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			pc += jump(in, a == in.K)
		case unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K:
			pc += jump(in, a > in.K)
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			pc += jump(in, a >= in.K)
		case unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K:
			pc += jump(in, a&in.K != 0)
		case unix.BPF_RET | unix.BPF_K:
			return in.K, steps, nil
		default:
			return 0, steps, fmt.Errorf("instruction %d: code %#x is not known", pc, in.Code)
		}
	}
	return 0, steps, errors.New("the program ends without a return")
}

func jump(in unix.SockFilter, taken bool) int {
	if taken {
		return int(in.Jt)
	}
	return int(in.Jf)
}

// word returns the 32-bit word at an offset of seccomp_data, little endian.
func (d *callInfo) word(off uint32) (uint32, error) {
	switch {
	case off == 0:
		return uint32(d.nr), nil
	case off == 4:
		return d.arch, nil
	case off == 8:
		return uint32(d.ip), nil
	case off == 12:
		return uint32(d.ip >> 32), nil
	case off < 64 && off%8 == 0:
		return uint32(d.args[(off-16)/8]), nil
	case off < 64 && off%8 == 4:
		return uint32(d.args[(off-16)/8] >> 32), nil
	}
	return 0, fmt.Errorf("load at offset %d", off)
}

// TestInterpreter checks the interpreter on a program made by hand, so that the
// proof by interpretation does not rest on a blind eye.
func TestInterpreter(t *testing.T) {
	prog := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16 + 8*1 + 4}, // high half of args[1]
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xff},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x12, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: retAllow},
		{Code: unix.BPF_RET | unix.BPF_K, K: retErrno | 38},
	}
	for _, tt := range []struct {
		arg  uint64
		want uint32
	}{{0x12_00000000, retAllow}, {0xff12_00000000, retAllow}, {0x12, retErrno | 38}, {0x13_00000000, retErrno | 38}} {
		got, _, err := interpret(prog, &callInfo{args: [6]uint64{1: tt.arg}})
		if err != nil || got != tt.want {
			t.Errorf("args[1] = %#x: got %#x, %v; want %#x", tt.arg, got, err, tt.want)
		}
	}
	if _, _, err := interpret(prog[:2], &callInfo{}); err == nil {
		t.Error("a program without a return was accepted")
	}
	if _, _, err := interpret([]unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS}}, &callInfo{}); err == nil {
		t.Error("an unknown instruction was accepted")
	}
}
