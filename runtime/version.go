// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"io"
	"os"
	"path"
	"strconv"

	"github.com/runclad/runclad/internal/prelude"
	"github.com/runclad/runclad/internal/spec"
)

// Version is set by the linker.
var Version = "0.1.0-dev"

// Annotations are the keys by which runclad speaks to and of a container.
const Annotations = "dev.runclad."

// version prints the runtime's own lines, from which engines read the runtime's
// version, and then runclad's.
func (s *shim) version() error {
	out, err := s.output(s.args[1:]...)
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(append(out, "runclad version "+Version+"\n"...))
	return err
}

// features prints the runtime's own JSON (OCI features.md) with runclad's
// annotations declared as potentially unsafe: an engine must not let a tenant
// pass them on unseen.
func (s *shim) features() error {
	out, err := s.output(s.args[1:]...)
	if err != nil {
		return err
	}
	v, err := spec.ParseValue(out)
	if err != nil {
		return fmt.Errorf("features of %s: %w", s.target.path, err)
	}
	if v.Kind() != spec.Object {
		return fmt.Errorf("features of %s: want a JSON object, have %s", s.target.path, v.Kind())
	}
	doc := spec.NewProcess(v)
	doc.Set(doc.Ensure(doc.Root(), "annotations", spec.Object), Annotations+"version", spec.Text(Version))
	doc.Add(doc.Ensure(doc.Root(), "potentiallyUnsafeConfigAnnotations", spec.Array), spec.Text(Annotations))
	_, err = os.Stdout.Write(append(doc.Bytes(), '\n'))
	return err
}

// exited is the error of a runtime that has said itself what is wrong; its exit
// code is the shim's.
type exited int

func (e exited) Error() string { return "the runtime exited with " + strconv.Itoa(int(e)) }

// output runs the runtime with the given arguments and returns what it prints.
// If it fails, so does the shim, with the runtime's code.
func (s *shim) output(args ...string) ([]byte, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	child, err := os.StartProcess(s.target.path, append([]string{path.Base(s.target.path)}, args...),
		&os.ProcAttr{Env: prelude.Environ(), Files: []*os.File{os.Stdin, w, os.Stderr}})
	_ = w.Close()
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, spec.MaxSize))
	if err != nil {
		return nil, err
	}
	state, err := child.Wait()
	if err != nil {
		return nil, err
	}
	if !state.Success() {
		_, _ = os.Stdout.Write(out)
		return nil, exited(state.ExitCode())
	}
	return out, nil
}
