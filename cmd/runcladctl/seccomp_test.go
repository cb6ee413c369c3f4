// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/runclad/runclad/profiles/syscalls"
)

func output(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var b bytes.Buffer
	err := run(args, &b)
	return b.String(), err
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"nothing"},
		{"show"},
		{"show", "a", "b"},
		{"list", "x"},
		{"list", "--yes"},
		{"sweep", "x"},
		{"policy"},
		{"version", "x"},
		{"seccomp"},
		{"seccomp", "nothing"},
		{"seccomp", "diff", "runclad"},
		{"seccomp", "explain"},
		{"seccomp", "check"},
		{"seccomp", "show", "x"},
	} {
		_, err := output(t, args...)
		if u := usageError(""); !errors.As(err, &u) {
			t.Errorf("%q: error %v, want usage", args, err)
		}
	}
}

func TestSeccompShow(t *testing.T) {
	got, err := output(t, "seccomp", "show", "--caps", "net_raw,CAP_SYS_ADMIN", "--level", "strict", "--arch", "arm64")
	if err != nil {
		t.Fatal(err)
	}
	want, err := syscalls.Profile("arm64", 1<<13|1<<21|syscalls.Strict)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(got)); err != nil || b.String() != string(want) {
		t.Errorf("not the table's profile: %v", err)
	}
	got, err = output(t, "seccomp", "show", "--table", "--arch", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"keyctl", "ENOSYS", "CVE-2016-0728", "by argument"} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q", want)
		}
	}
	for _, args := range [][]string{{"--level", "loose"}, {"--caps", "nothing"}, {"--runtime", "youki"}, {"--arch", "mips"}} {
		if _, err := output(t, append([]string{"seccomp", "show"}, args...)...); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

func TestSeccompExplain(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"socket AF_INET SOCK_STREAM|SOCK_CLOEXEC IPPROTO_TCP", "allowed\n  by the rule: arg0 == 0x2"},
		{"socket AF_VSOCK SOCK_STREAM", "refused with ENOSYS"},
		{"socket AF_VSOCK SOCK_STREAM", "CVE-2024-50264"},
		{"socket 0x100000028 1", "refused with ENOSYS"},
		{"socket AF_NETLINK SOCK_RAW NETLINK_AUDIT", "EPROTONOSUPPORT"},
		{"socket AF_PACKET SOCK_RAW --caps NET_RAW", "allowed"},
		{"chmod 0 04755", "refused with EPERM"},
		{"chmod 0 02755", "allowed"},
		{"chmod 0 02755 --level strict", "refused with EPERM"},
		{"mmap 0 4096 PROT_WRITE|PROT_EXEC --level=strict", "EACCES"},
		{"mmap 0 4096 PROT_WRITE|PROT_EXEC", "allowed whatever the arguments; level strict looks at them"},
		{"ioctl 0 0xae01", "refused with ENOSYS"},
		{"ioctl 0 0xae01 --device", "allowed"},
		{"ioctl 0 TIOCSTI --device", "refused with ENOSYS"},
		{"splice", "EINVAL"},
		{"read", "allowed whatever the arguments"},
		{"ptrace", "brought back by: CAP_SYS_PTRACE"},
		{"no_such_call", "nobody has looked at"},
		{"futex", "CVE-2014-3153"},
	} {
		got, err := output(t, append([]string{"seccomp", "explain", "--arch", "amd64"}, strings.Fields(tt.args)...)...)
		if err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %v; want %q in\n%s", tt.args, err, tt.want, got)
		}
	}
	if got, err := output(t, "seccomp", "explain", "socket", "AF_UNIX", "SOCK_STREAM"); err != nil || strings.Contains(got, "CVE-2024") {
		t.Errorf("flaws of other families are named: %v\n%s", err, got)
	}
	if _, err := output(t, "seccomp", "explain", "socket", "AF_NOTHING"); err == nil {
		t.Error("an unknown constant was accepted")
	}
	if _, err := output(t, "seccomp", "explain", "--arch", "arm64", "open"); err == nil {
		t.Error("open on arm64 was explained")
	}
}

func TestSeccompDiff(t *testing.T) {
	for _, same := range []string{"runclad", "runclad:strict", "docker", "docker:nocaps"} {
		if got, err := output(t, "seccomp", "diff", "--all", same, same); err != nil || got != "no difference\n" {
			t.Errorf("%s with itself: %q, %v", same, got, err)
		}
	}
	got, err := output(t, "seccomp", "diff", "runclad", "docker")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"only docker allows", "keyctl", "futex(*, 0x", "socket(0x"} {
		if want != "keyctl" && !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	a := write(t, `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":5,"op":"SCMP_CMP_LT"}]}]}`)
	b := write(t, `{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":5,"op":"SCMP_CMP_LE"}]}]}`)
	if got, err := output(t, "seccomp", "diff", a, b); err != nil || !strings.Contains(got, "only "+b+" allows (1):\n  read(0x5)") {
		t.Errorf("%v\n%s", err, got)
	}
	// The same decisions in other words.
	c := write(t, `{"linux":{"seccomp":{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":4,"op":"SCMP_CMP_LE"}]},{"names":["write"],"action":"SCMP_ACT_ERRNO"}]}}}`)
	if got, err := output(t, "seccomp", "diff", "--all", a, c); err != nil || got != "no difference\n" {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestSeccompCheck(t *testing.T) {
	if got, err := output(t, "seccomp", "check", "runclad"); err != nil || got != "nothing found\n" {
		t.Errorf("our own profile: %v\n%s", err, got)
	}
	for text, want := range map[string][]string{
		`{"defaultAction":"SCMP_ACT_ALLOW"}`: {"the default action is SCMP_ACT_ALLOW", "no architectures"},
		`{"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86"],"syscalls":[{"names":["reed"],"action":"SCMP_ACT_ALLOW"}]}`: {
			"default errno is 1", "reed: no such call", "write is refused", "missing", "SCMP_ARCH_X86: calls of another",
		},
		`{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["socket"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":40,"op":"SCMP_CMP_NE"},{"index":0,"value":38,"op":"SCMP_CMP_NE"}]}]}`: {
			"SCMP_CMP_NE compares 64 bits", "compared twice", "SECCOMP_FILTER_FLAG_LOG",
		},
		// Docker's own format.
		`{"defaultAction":"SCMP_ACT_ERRNO","archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X32"]}],"syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW"},{"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_PTRACE"]}}]}`: {"default errno is 1"},
	} {
		got, err := output(t, "seccomp", "check", write(t, text))
		if err == nil {
			t.Errorf("%s: nothing was found", text)
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: lacks %q:\n%s", text, w, got)
			}
		}
	}
	if _, err := output(t, "seccomp", "check", write(t, `{"defaultAction":"SCMP_ACT_MAYBE"}`)); err == nil || !strings.Contains(err.Error(), "SCMP_ACT_MAYBE") {
		t.Errorf("an unknown action: %v", err)
	}
	if _, err := output(t, "seccomp", "check", write(t, `{"ociVersion":"1.0.2"}`)); err == nil || !strings.Contains(err.Error(), "unconfined") {
		t.Errorf("a config.json without a profile: %v", err)
	}
}
