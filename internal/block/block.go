// SPDX-License-Identifier: Apache-2.0

package block

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/metadata"
	"github.com/runclad/runclad/internal/record"
)

// ErrHostNetwork is returned instead of blocking the host's own namespace.
var ErrHostNetwork = errors.New("the network namespace is the host's")

// Namespace sets the block in the namespace at path.
func Namespace(path string, o metadata.Options) error {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open network namespace", Path: path, Err: err}
	}
	defer unix.Close(fd)
	same, err := host.IsHostNamespace("net", "/proc/self/fd/"+strconv.Itoa(fd))
	if err != nil {
		return err
	}
	if same {
		return fmt.Errorf("%s: %w", path, ErrHostNetwork)
	}
	if _, err := metadata.Block(fd, o); err != nil {
		return fmt.Errorf("block the metadata endpoints: %w", err)
	}
	return nil
}

// Process sets the block in the namespace of a running process.
func Process(pid int, o metadata.Options) error {
	return Namespace("/proc/"+strconv.Itoa(pid)+"/ns/net", o)
}

// Recorded makes sure that the block stands for a container that was created
// and is about to run something, and notes that it does.
func Recorded(store record.Store, r record.Record) error {
	if r.Block != record.BlockAtStart {
		return nil
	}
	ready, err := store.Ready(r)
	if ready || err != nil {
		return err
	}
	p, err := record.ContainerPID(r)
	if err != nil {
		return err
	}
	if err := Process(p.PID, Options(r)); err != nil {
		return err
	}
	// The process whose network was blocked must have been the container's.
	if again, err := record.ContainerPID(r); err != nil || again != p {
		return fmt.Errorf("the container's process %d ended while its network was blocked: %w", p.PID, err)
	}
	return store.MarkReady(r)
}

// Options are those that were decided at create.
func Options(r record.Record) metadata.Options {
	return metadata.Options{Credentials: r.TaskCredentials == "block"}
}
