// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// AUDIT_ARCH_* of include/uapi/linux/audit.h.
const (
	AuditAMD64 = 0xc000003e
	AuditARM64 = 0xc00000b7
	AuditI386  = 0x40000003
	AuditARM   = 0x40000028
)

// Actions of include/uapi/linux/seccomp.h; the low 16 bits are data.
const (
	RetKillProcess = 0x80000000
	RetKillThread  = 0x00000000
	RetTrap        = 0x00030000
	RetErrno       = 0x00050000
	RetNotify      = 0x7fc00000
	RetTrace       = 0x7ff00000
	RetLog         = 0x7ffc0000
	RetAllow       = 0x7fff0000
)

// Data is struct seccomp_data.
type Data struct {
	NR   int32
	Arch uint32
	IP   uint64
	Args [6]uint64
}

// Run runs a classic BPF program over seccomp_data as the kernel does
// (kernel/seccomp.c seccomp_check_filter: 32-bit absolute loads in native byte
// order, no packet loads) and returns the action and the number of
// instructions it took.
func Run(prog []unix.SockFilter, d *Data) (uint32, int, error) {
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
func (d *Data) word(off uint32) (uint32, error) {
	switch {
	case off == 0:
		return uint32(d.NR), nil
	case off == 4:
		return d.Arch, nil
	case off == 8:
		return uint32(d.IP), nil
	case off == 12:
		return uint32(d.IP >> 32), nil
	case off < 64 && off%8 == 0:
		return uint32(d.Args[(off-16)/8]), nil
	case off < 64 && off%8 == 4:
		return uint32(d.Args[(off-16)/8] >> 32), nil
	}
	return 0, fmt.Errorf("load at offset %d", off)
}
