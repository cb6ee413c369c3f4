// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commandTimeout bounds every command that a test runs: a hang is a failure
// that names the command. Unpacking an image of many files on a busy disk takes
// more than a minute.
const commandTimeout = 5 * time.Minute

// A Result is how a command ended.
type Result struct {
	Args           []string
	Stdout, Stderr string
	// Code is the exit status, 128 plus the number of the signal that killed
	// it, or -1 when it could not be started or did not end in time.
	Code int
	Took time.Duration
}

// Output is both streams, the errors last.
func (r Result) Output() string { return r.Stdout + r.Stderr }

// String describes the result for a failure message.
func (r Result) String() string {
	return fmt.Sprintf("%s\n  exit status %d after %v\n  stdout: %q\n  stderr: %q",
		strings.Join(r.Args, " "), r.Code, r.Took.Round(time.Millisecond), r.Stdout, r.Stderr)
}

// A Command is a program to run, with what it needs beyond its arguments.
type Command struct {
	Args  []string
	Env   []string // added to the environment
	Dir   string
	Stdin string
	// Input is read in the place of Stdin where it is set.
	Input io.Reader
	// ToFiles has the output go to files: a container's init inherits the
	// runtime's streams, and a pipe would stay open until it ends.
	ToFiles bool
}

// Run runs a command to its end.
func Run(args ...string) Result { return Command{Args: args}.Run() }

// MustRun runs a command and fails the test when its status is not 0.
func MustRun(t T, args ...string) Result {
	t.Helper()
	r := Run(args...)
	if r.Code != 0 {
		t.Fatalf("%v", r)
	}
	return r
}

// Run runs the command to its end, or kills it when the time is over.
func (c Command) Run() Result {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir = c.Dir
	cmd.Stdin = c.Input
	if c.Input == nil {
		cmd.Stdin = strings.NewReader(c.Stdin)
	}
	cmd.WaitDelay = 5 * time.Second
	var out, errs bytes.Buffer
	read := func() (string, string) { return out.String(), errs.String() }
	cmd.Stdout, cmd.Stderr = &out, &errs
	if c.ToFiles {
		var err error
		if read, err = toFiles(cmd); err != nil {
			return Result{Args: c.Args, Code: -1, Stderr: err.Error()}
		}
	}
	start := time.Now()
	err := cmd.Run()
	r := Result{Args: c.Args, Took: time.Since(start)}
	r.Stdout, r.Stderr = read()
	if err != nil {
		r.Code = -1
		if code, cerr := exitCode(cmd.ProcessState, err); cerr == nil && cmd.ProcessState != nil {
			r.Code = code
		} else {
			r.Stderr += err.Error()
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			r.Code = -1
			r.Stderr += fmt.Sprintf(" (killed after %v)", commandTimeout)
		}
	}
	return r
}

// from runs the command with what it reads on its standard input. What is left
// of that is not written to anybody.
func (c Command) from(r *io.PipeReader) Result {
	defer r.Close()
	c.Input = r
	return c.Run()
}

// toFiles points the command's streams at files that are already unlinked.
func toFiles(cmd *exec.Cmd) (func() (string, string), error) {
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp("", "stream-")
		if err != nil {
			return nil, err
		}
		if err := os.Remove(f.Name()); err != nil {
			return nil, err
		}
		files[i] = f
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, files[0], files[1]
	return func() (string, string) {
		var text [2]string
		for i, f := range files {
			b := make([]byte, 1<<20)
			n, _ := f.ReadAt(b, 0)
			text[i] = string(b[:n])
			f.Close()
		}
		return text[0], text[1]
	}, nil
}

// Eventually calls f until it returns nil, and fails the test with its last
// error when the time is over.
func Eventually(t T, timeout time.Duration, f func() error) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %v", timeout, err)
		}
		time.Sleep(25 * time.Millisecond)
	}
}
