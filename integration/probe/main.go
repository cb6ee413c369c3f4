// SPDX-License-Identifier: Apache-2.0

// Probe is the program that the live tests run in containers. It prints a
// report of its own process as JSON:
//
//	probe            without the network
//	probe net        with the attempts on the metadata endpoints
//	probe chmod F    makes F and sets its setuid bit, or fails
//	probe pause      waits for a signal, as a pod's pause container does
//	probe as UID     steps down to that UID and GID as gosu does, and reports
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/integration/report"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "probe:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 2 && args[0] == "chmod" {
		if err := os.WriteFile(args[1], nil, 0o600); err != nil {
			return err
		}
		return os.Chmod(args[1], 0o755|os.ModeSetuid)
	}
	if len(args) == 2 && args[0] == "as" {
		if err := stepDown(args[1]); err != nil {
			return err
		}
		args = nil
	}
	if len(args) == 1 && args[0] == "pause" {
		end := make(chan os.Signal, 1)
		signal.Notify(end, unix.SIGINT, unix.SIGTERM)
		<-end
		return nil
	}
	r, err := report.Collect(len(args) == 1 && args[0] == "net")
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// stepDown makes the calls of gosu, su-exec and setpriv, in their order.
func stepDown(user string) error {
	id, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	if err := syscall.Setgroups([]int{id}); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := syscall.Setresuid(id, id, id); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	return nil
}
