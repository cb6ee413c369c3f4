// SPDX-License-Identifier: Apache-2.0

package bed

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// The environment carries the stage from one execution of the binary to the
// next; [inside] removes both.
const (
	stageEnv   = "RUNCLAD_BED_STAGE"
	scratchEnv = "RUNCLAD_BED_SCRATCH"

	stageInit   = "init"
	stageInside = "inside"
)

// Main is what a TestMain calls: it runs m inside a bed and does not return.
func Main(m *testing.M) {
	Enter()
	os.Exit(m.Run())
}

// Enter moves the program into a bed. It returns only inside; the outer
// processes exit with the status of the inner one, or with 1 when something
// was left behind on the host. It must be the first thing a program does.
func Enter() {
	// Pdeathsig is about the thread that forked, and unshare(2) about the
	// thread that calls it: stay on this one.
	runtime.LockOSThread()
	stage := os.Getenv(stageEnv)
	if stage == "" && os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "bed: the live tests, the demo and the benchmark need root")
		os.Exit(1)
	}
	var (
		code int
		err  error
	)
	switch stage {
	case "":
		code, err = outer()
	case stageInit:
		code, err = pid1()
	default:
		if err = inside(); err == nil {
			runtime.UnlockOSThread()
			return
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bed: %v\n", err)
		if code == 0 {
			code = 1
		}
	}
	os.Exit(code)
}

// Outside tells whether the program still runs on the host, before [Main] or
// [Enter]: what a test needs of the network is fetched there.
func Outside() bool { return os.Getenv(stageEnv) == "" }
