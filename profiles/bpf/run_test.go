// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestInterpreter checks the interpreter on a program made by hand, so that the
// proof by interpretation does not rest on a blind eye.
func TestInterpreter(t *testing.T) {
	prog := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 16 + 8*1 + 4}, // high half of args[1]
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xff},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: 0x12, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: RetAllow},
		{Code: unix.BPF_RET | unix.BPF_K, K: RetErrno | 38},
	}
	for _, tt := range []struct {
		arg  uint64
		want uint32
	}{{0x12_00000000, RetAllow}, {0xff12_00000000, RetAllow}, {0x12, RetErrno | 38}, {0x13_00000000, RetErrno | 38}} {
		got, _, err := Run(prog, &Data{Args: [6]uint64{1: tt.arg}})
		if err != nil || got != tt.want {
			t.Errorf("args[1] = %#x: got %#x, %v; want %#x", tt.arg, got, err, tt.want)
		}
	}
	if _, _, err := Run(prog[:2], &Data{}); err == nil {
		t.Error("a program without a return was accepted")
	}
	if _, _, err := Run([]unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS}}, &Data{}); err == nil {
		t.Error("an unknown instruction was accepted")
	}
}
