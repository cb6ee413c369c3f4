// SPDX-License-Identifier: Apache-2.0

package prelude

import (
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/runclad/runclad/internal/argv"
)

// laid lays args out as the kernel does.
func laid(args []string) words {
	pointers := make([]*byte, len(args)+1)
	for i, a := range args {
		b, err := syscall.BytePtrFromString(a)
		if err != nil {
			panic(err)
		}
		pointers[i] = b
	}
	return words{len(args), unsafe.Pointer(&pointers[0])}
}

func TestPassed(t *testing.T) {
	for _, c := range []struct {
		args string
		want bool
	}{
		{"state c", true},
		{"--root /r --log /l --log-format json state c", true},
		{"--root /r --log /l --log-format json --systemd-cgroup kill --all c 9", true},
		{"delete --force c", true},
		{"--root create delete c", true},
		{"ps -f json c", true},
		{"--root state create c", false},
		{"--root delete", false},
		{"--root", false},
		{"", false},
		{"start c", false},
		{"exec c delete", false},
		{"deletes c", false},
		{"delet c", false},
		{"--roots state c", false},
		{"--root=/r state c", false}, // package argv's
		{"--unknown state c", false},
		{"-- state c", false},
		{"features", false},
		{"--version", false},
	} {
		args := append([]string{"runclad"}, strings.Fields(c.args)...)
		if have := passed(laid(args)); have != c.want {
			t.Errorf("%s: passed on early: %v, want %v", c.args, have, c.want)
		}
	}
}

// FuzzPassed looks for a command line that is handed off early and that package
// argv reads as another command. Words are separated by spaces.
func FuzzPassed(f *testing.F) {
	for _, line := range []string{
		"--root r --log l --log-format json state c", "--root create kill c", "--log --root delete create c",
		"--systemd-cgroup delete c", "--log-format create ps c", "--root  state x", "update --resources - c",
		"events c", "pause create", "--debug list", "resume", "exec --process p c",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.IndexByte(line, 0) >= 0 {
			return
		}
		args := strings.Split(line, " ")
		if !passed(laid(append([]string{"runclad"}, args...))) {
			return
		}
		for _, flavor := range []argv.Flavor{argv.Runc, argv.Crun} {
			if call, err := argv.Parse(args, "/", flavor); err != nil || call.Verb != argv.PassThrough {
				t.Errorf("%v %q is handed off early and is %v, %v", flavor, args, call.Verb, err)
			}
		}
	})
}

func TestNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"/usr/sbin/runc": true, "/opt/runc-1.1": true, "/opt/crun": true, "/x/my-runc.real": true, "runc": true,
		"/runc/youki": false, "/opt/crunc": true, "/opt/run": false, "/opt/cru": false, "": false, "/": false,
	} {
		length = copy(found[:], name)
		if have := named(); have != want {
			t.Errorf("%s: named %v, want %v", name, have, want)
		}
		if have, want := string(found[base():length]), name[strings.LastIndexByte(name, '/')+1:]; have != want {
			t.Errorf("%s: base %q, want %q", name, have, want)
		}
	}
}

func TestDescriptor(t *testing.T) {
	for fd, want := range map[uintptr]string{
		0: "/proc/self/fd/0", 7: "/proc/self/fd/7", 10: "/proc/self/fd/10", 1048575: "/proc/self/fd/1048575",
	} {
		if have := string(descriptor(fd)); have != want+"\x00" {
			t.Errorf("descriptor %d: %q", fd, have)
		}
	}
}

// TestSettle: argv is what it was, and the settings stand before the environment.
func TestSettle(t *testing.T) {
	stack := make([]*byte, len(settings)+1) // argc lies in the last of these
	for _, s := range []string{"runclad", "create", "", "A=1", "GOGC=5", ""} {
		var p *byte
		if s != "" {
			p, _ = syscall.BytePtrFromString(s)
		}
		stack = append(stack, p)
	}
	start := unsafe.Pointer(&stack[len(settings)])
	*(*int)(start) = 2
	moved := settle(start, 2)
	if moved != unsafe.Pointer(&stack[0]) || *(*int)(moved) != 2 {
		t.Fatal("argc is not where it is said to be")
	}
	*(*int)(moved) = 0
	environ = unsafe.Pointer(&stack[1])
	args := Environ()
	environ = unsafe.Pointer(&stack[1+len(args)+1])
	vars := Environ()
	environ = nil
	if s := strings.Join(args, " "); s != "runclad create" {
		t.Errorf("argv: %s", s)
	}
	if s := strings.Join(vars, " "); s != "GOMAXPROCS=1 GOGC=off GOMEMLIMIT=128MiB A=1 GOGC=5" {
		t.Errorf("environment: %s", s)
	}
}
