// SPDX-License-Identifier: Apache-2.0

//go:build cgo && seccomp

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/profiles/bpf"
)

// seccompCompile prints the filter that a runtime would load: the size of its
// program, its instructions, or libseccomp's pseudo code.
func seccompCompile(out io.Writer, name string, tree, pfc bool) error {
	v, err := load(name)
	if err != nil {
		return err
	}
	var p specs.LinuxSeccomp
	if err := json.Unmarshal([]byte(v.String()), &p); err != nil {
		return err
	}
	prog, err := bpf.Compile(&p, tree)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "# %s: %d instructions (%d bytes), libseccomp %s\n", name, len(prog), len(prog)*8, bpf.Version())
	if pfc {
		text, err := bpf.PFC(&p, tree)
		if err != nil {
			return err
		}
		_, err = out.Write(text)
		return err
	}
	for i, in := range prog {
		fmt.Fprintf(out, "%5d: code %#04x jt %3d jf %3d k %#010x\n", i, in.Code, in.Jt, in.Jf, in.K)
	}
	return nil
}
