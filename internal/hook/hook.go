// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/runclad/runclad/internal/block"
	"github.com/runclad/runclad/internal/record"
	"github.com/runclad/runclad/internal/spec"
)

// Name is the base name of argv[0] under which the shim is a hook.
const Name = "runclad-hook"

// timeout is how long the runtime waits, in seconds.
const timeout = 20

// Entry returns the hook's entry for a spec. exe is runclad's own path.
func Entry(exe, root, id string) *spec.Value {
	return spec.Map(
		spec.M("path", spec.Text(exe)),
		spec.M("args", spec.Texts(Name, root, id)),
		spec.M("timeout", spec.Int(timeout)),
	)
}

// Main runs the hook: args are the runtime's state root and the container ID,
// stdin is the OCI state. It returns the exit code; the runtime shows stderr.
func Main(args []string) int {
	if err := run(args, os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "runclad:", err)
		return 1
	}
	return 0
}

func run(args []string, stdin io.Reader) error {
	if len(args) != 2 {
		return errors.New("hook: want the state root and the container ID")
	}
	store, err := record.Open(record.DefaultDir)
	if err != nil {
		return err
	}
	r, err := store.Read(args[0], args[1])
	if err != nil {
		return err
	}
	data, err := io.ReadAll(io.LimitReader(stdin, spec.MaxSize))
	if err != nil {
		return fmt.Errorf("hook: read the state: %w", err)
	}
	state, err := spec.ParseValue(data)
	if err != nil {
		return fmt.Errorf("hook: the state: %w", err)
	}
	pid, ok := state.Get("pid").Int64()
	if state.Get("id").Str() != r.ID || !ok || pid <= 0 {
		return fmt.Errorf("hook: the state is of container %q, PID %d, not of %q", state.Get("id").Str(), pid, r.ID)
	}
	return block.Process(int(pid), block.Options(r))
}
