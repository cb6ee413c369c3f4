// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// words splits at spaces; `""` is the empty word.
func words(s string) []string {
	out := strings.Fields(s)
	for i := range out {
		if out[i] == `""` {
			out[i] = ""
		}
	}
	return out
}

func TestParse(t *testing.T) {
	no := false
	tests := []struct {
		f    Flavor
		args string
		want Invocation
	}{
		{Runc, "create c", Invocation{Verb: Create, Bundle: "/cwd", ID: "c"}},
		{Runc, "create --bundle /b c", Invocation{Verb: Create, Bundle: "/b", ID: "c"}},
		{Runc, "create -b=/b/./x/ c", Invocation{Verb: Create, Bundle: "/b/x", ID: "c"}},
		{Runc, "create -bundle b c", Invocation{Verb: Create, Bundle: "/cwd/b", ID: "c"}},
		{Runc, "create c --b=b", Invocation{Verb: Create, Bundle: "/cwd/b", ID: "c"}},
		{Runc, "create --pid-file p -- c", Invocation{Verb: Create, Bundle: "/cwd", PidFile: "p", ID: "c"}},
		{Runc, "-- create -- c", Invocation{Verb: Create, Bundle: "/cwd", ID: "c"}},
		{
			Runc, "--root=/r -log /l --log-format json -debug=1 --systemd-cgroup=T create --console-socket s --pidfd-socket f --preserve-fds 3 c",
			Invocation{
				Verb: Create, Root: "/r", Log: "/l", LogFormat: "json", Debug: true, SystemdCgroup: true,
				Bundle: "/cwd", ConsoleSocket: "s", PidfdSocket: "f", PreserveFDs: 3, ID: "c",
			},
		},
		{Runc, "--root r/../q --debug=false create c", Invocation{Verb: Create, Root: "/cwd/q", Bundle: "/cwd", ID: "c"}},
		{
			Runc, "--rootless auto --criu /c restore --empty-ns network -d --empty-ns ipc --image-path i c",
			Invocation{
				Verb: Restore, Bundle: "/cwd", ID: "c", Globals: []Flag{{"rootless", "auto"}, {"criu", "/c"}},
				Flags: []Flag{{"empty-ns", "network"}, {"detach", ""}, {"empty-ns", "ipc"}, {"image-path", "i"}},
			},
		},
		{Runc, "run --keep --detach c", Invocation{Verb: Run, Bundle: "/cwd", ID: "c", Flags: []Flag{{"keep", ""}, {"detach", ""}}}},
		{Runc, "run --keep=0 c --detach", Invocation{Verb: Run, Bundle: "/cwd", ID: "c", Flags: []Flag{{"detach", ""}}}},
		{Runc, "create --no-pivot=false c", Invocation{Verb: Create, Bundle: "/cwd", ID: "c"}},
		{Runc, "create help", Invocation{Verb: Create, Bundle: "/cwd", ID: "help"}},
		{Runc, "start c", Invocation{Verb: Start, ID: "c"}},
		{Runc, "exec --process p c", Invocation{Verb: Exec, Process: "p", ID: "c"}},
		{Runc, "exec -p p --tty c ls", Invocation{Verb: Exec, Process: "p", ID: "c", Exec: ExecFlags{TTY: true}, Args: []string{"ls"}}},
		{Runc, "exec c -- ls --env X", Invocation{Verb: Exec, ID: "c", Args: []string{"--", "ls", "--env", "X"}}},
		{Runc, "exec -- c ls", Invocation{Verb: Exec, ID: "c", Args: []string{"ls"}}},
		{
			Runc, "exec -d --ignore-paused -t --cwd /w -e A=1 -e B=2 -u 1:2 -g 3 -g 4 -c CAP_CHOWN --apparmor a --process-label l --no-new-privs=0 --cgroup memory:x --cgroup cpu:y c ls -l",
			Invocation{Verb: Exec, ID: "c", Args: []string{"ls", "-l"}, Exec: ExecFlags{
				TTY: true, Cwd: "/w", Env: []string{"A=1", "B=2"}, User: "1:2", AdditionalGids: []uint32{3, 4},
				Caps: []string{"CAP_CHOWN"}, Apparmor: "a", ProcessLabel: "l", NoNewPrivs: &no,
				Detach: true, IgnorePaused: true, Cgroup: []string{"memory:x", "cpu:y"},
			}},
		},
		{Crun, "exec --tty=no -u 0 c ls", Invocation{Verb: Exec, ID: "c", Args: []string{"ls"}, Exec: ExecFlags{User: "0"}}},
		{Crun, "exec --tty=x c ls", Invocation{Verb: Exec, ID: "c", Args: []string{"ls"}, Exec: ExecFlags{TTY: true}}},
		{Crun, "exec -t c ls", Invocation{Verb: Exec, ID: "c", Args: []string{"ls"}, Exec: ExecFlags{TTY: true}}},
		{Crun, "create -b /b --no-subreaper c", Invocation{Verb: Create, Bundle: "/b", ID: "c", Flags: []Flag{{"no-subreaper", ""}}}},
		{Crun, "--cgroup-manager=systemd --log journald:x start c", Invocation{
			Verb: Start, Log: "journald:x", ID: "c", Globals: []Flag{{"cgroup-manager", "systemd"}},
		}},

		// Passed on: their flags are the runtime's business.
		{Runc, "", Invocation{}},
		{Runc, "--help", Invocation{}},
		{Runc, "-h create c", Invocation{}},
		{Runc, "help create", Invocation{Command: "help"}},
		{Runc, "create --help", Invocation{Command: "create"}},
		{Runc, "exec -h", Invocation{Command: "exec"}},
		{Crun, "run -?", Invocation{Command: "run"}},
		{Crun, "run --usage", Invocation{Command: "run"}},
		{Runc, "delete --force --bogus create", Invocation{Command: "delete"}},
		{Runc, "--root /a --root /b --log-format xml kill c", Invocation{Root: "/b", LogFormat: "xml", Command: "kill"}},
		{Runc, "--bogus delete c", Invocation{}},
		{Runc, "--debug=maybe delete c", Invocation{}},
		{Runc, "--log", Invocation{}},
		{Runc, "- create c", Invocation{Command: "-"}},
		{Runc, "Create c", Invocation{Command: "Create"}},
		{Runc, "init", Invocation{Command: "init"}},
		{Runc, "features --x", Invocation{Command: "features"}},
		{Runc, "features", Invocation{Verb: Features, Command: "features"}},
		{Runc, "--debug -v", Invocation{Verb: Version, Debug: true}},
		{Runc, "--version create c", Invocation{Verb: Version}},
		{Crun, "-V", Invocation{Verb: Version}},
		{Crun, "--version --bogus create c", Invocation{Verb: Version}},
	}
	for _, tt := range tests {
		args := words(tt.args)
		tt.want.Flavor = tt.f
		if tt.want.Verb.Guarded() {
			tt.want.Command = tt.want.Verb.String()
		}
		got, err := Parse(args, "/cwd", tt.f)
		if err != nil {
			t.Errorf("%v %s: %v", tt.f, tt.args, err)
			continue
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v %s:\n got %+v\nwant %+v", tt.f, tt.args, got, tt.want)
		}
		if got.Verb.Guarded() {
			checkCanonical(t, args, got)
		} else if got.Argv() != nil || got.ExecArgv("/p") != nil {
			t.Errorf("%s: a canonical argv for a command that is passed on", tt.args)
		}
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		f    Flavor
		args string
		rule error
		text string // part of the message
	}{
		{Runc, "create --foo c", ErrUnknownFlag, `create: unknown flag "--foo": runclad passes only flags it knows for create`},
		{Runc, "create --keep c", ErrUnknownFlag, "--keep"},
		{Runc, "create --root /r c", ErrUnknownFlag, "--root"},
		{Runc, "create ---bundle /b c", ErrUnknownFlag, "---bundle"},
		{Runc, "start --bundle /b c", ErrUnknownFlag, "--bundle"},
		{Runc, "create --bund /b c", ErrUnknownFlag, "--bund"},
		{Runc, "create -b/b c", ErrUnknownFlag, "-b/b"},
		{Runc, "create --config x c", ErrUnknownFlag, "--config"},
		{Runc, "run --notify-socket /n c", ErrUnknownFlag, "--notify-socket"},
		{Runc, "exec -dt --process p c", ErrUnknownFlag, "-dt"},
		{Crun, "create --bund /b c", ErrUnknownFlag, "--bund"},
		{Crun, "create -b/b c", ErrUnknownFlag, "-b/b"},
		{Crun, "create -bundle /b c", ErrUnknownFlag, "-bundle"},
		{Crun, "create --b /b c", ErrUnknownFlag, "--b"},
		{Crun, "exec -dt --process p c", ErrUnknownFlag, "-dt"},
		{Crun, "exec --ignore-paused --process p c", ErrUnknownFlag, "--ignore-paused"},

		{Runc, "create --bundle /a --bundle /b c", ErrDuplicateFlag, "flag --bundle is given more than once"},
		{Runc, "create -b /a --bundle /b c", ErrDuplicateFlag, "--bundle"},
		{Runc, "create -bundle=/a -b=/a c", ErrDuplicateFlag, "--bundle"},
		{Runc, "create --bundle /a c --bundle /b", ErrDuplicateFlag, "--bundle"},
		{Crun, "create -b /a --bundle /b c", ErrDuplicateFlag, "--bundle"},
		{Runc, "run --detach --detach=false c", ErrDuplicateFlag, "--detach"},
		{Runc, "exec -e A=1 --env B=1 c ls", ErrDuplicateFlag, "long and by its short name"},
		{Crun, "exec --cgroup a --cgroup b -p p c", ErrDuplicateFlag, "--cgroup"},
		{Runc, "--root /a --root /b create c", ErrDuplicateFlag, "--root"},
		{Runc, "--log /a -log /b run c", ErrDuplicateFlag, "--log"},
		{Runc, "--help --help=false create c", ErrDuplicateFlag, "--help"},
		{Runc, "--version -v=false create c", ErrDuplicateFlag, "--version"},
		{Crun, "--systemd-cgroup --cgroup-manager cgroupfs run c", ErrDuplicateFlag, "--cgroup-manager"},

		{Runc, "create --no-pivot c", ErrRefusedFlag, "pivot_root(2)"},
		{Crun, "run --no-pivot c", ErrRefusedFlag, "pivot_root(2)"},
		{Runc, "run --no-new-keyring c", ErrRefusedFlag, "keyring"},
		{Crun, "create -f x c", ErrRefusedFlag, "config.json"},
		{Crun, "run --config=x c", ErrRefusedFlag, "config.json"},
		{Runc, "restore --lsm-profile apparmor:unconfined c", ErrRefusedFlag, "LSM label"},
		{Runc, "restore --ext-unix-sk c", ErrRefusedFlag, "unix socket"},
		{Runc, "create --help c", ErrRefusedFlag, "--help"},
		{Runc, "create --help --help=false c", ErrRefusedFlag, "--help"},
		{Runc, "create --help=false", ErrRefusedFlag, "--help"},
		{Crun, "create --usage c", ErrRefusedFlag, "--usage"},
		{Runc, "--rootless true create c", ErrRefusedFlag, "--rootless"},
		{Crun, "--rootless /r create c", ErrRefusedFlag, "--root"},
		{Crun, "--cgroup-manager disabled create c", ErrRefusedFlag, "--cgroup-manager"},

		{Runc, "create --bundle", ErrValue, "flag --bundle needs a value"},
		{Runc, `create --bundle "" c`, ErrValue, "flag --bundle needs a value"},
		{Runc, "create --bundle= c", ErrValue, "flag --bundle needs a value"},
		{Runc, "create --bundle --help c", ErrValue, "begins with a dash"},
		{Runc, "create --pid-file -- c", ErrValue, "begins with a dash"},
		{Runc, "create --bundle=-x c", ErrValue, "begins with a dash"},
		{Runc, "create --bundle ../b c", ErrValue, `".."`},
		{Runc, "create --bundle /a/link/../b c", ErrValue, `".."`},
		{Runc, "run --detach=maybe c", ErrValue, "boolean"},
		{Crun, "run --detach=true c", ErrValue, "no value"},
		{Runc, "run --preserve-fds 0x1 c", ErrValue, "decimal"},
		{Runc, "run --preserve-fds 010 c", ErrValue, "decimal"},
		{Runc, "run --preserve-fds -1 c", ErrValue, "dash"},
		{Runc, "run --preserve-fds 99999999 c", ErrValue, "decimal"},
		{Runc, "exec -g x c ls", ErrValue, "decimal"},
		{Runc, "exec --cgroup memory:../x -p p c", ErrValue, `".."`},
		{Crun, "exec --cgroup ../x:y -p p c", ErrValue, `".."`},
		{Runc, "--log --help create c", ErrValue, "begins with a dash"},
		{Runc, `--root "" create c`, ErrValue, "--root"},
		{Runc, "--root ../.. create c", ErrValue, `"/"`},
		{Runc, "--log-format xml create c", ErrValue, "text or json"},
		{Crun, "--root r create c", ErrValue, "absolute"},
		{Crun, "--root /a/../r create c", ErrValue, "absolute"},
		{Crun, "--log file:l create c", ErrValue, "absolute"},
		{Crun, "--log x:/l create c", ErrValue, "absolute"},
		{Runc, "--debug=maybe create c", ErrValue, "boolean"},

		{Runc, "--bogus create c", ErrUnknownGlobal, `create: unknown flag "--bogus"`},
		{Runc, "--bogus delete exec", ErrUnknownGlobal, "exec: "},
		{Runc, "---root x create c", ErrUnknownGlobal, "---root"},
		{Crun, "--roo /r create c", ErrUnknownGlobal, "--roo"},
		{Crun, "-root /r create c", ErrUnknownGlobal, "-root"},

		{Runc, "create", ErrArguments, "ID is missing"},
		{Runc, "create a b", ErrArguments, `unexpected argument "b"`},
		{Runc, "start -- c --bundle", ErrArguments, "unexpected argument"},
		{Runc, "create c --", ErrArguments, `"--"`},
		{Runc, "create c -- --bundle /b", ErrArguments, `"--"`},
		{Runc, "run --detach c --bundle /b", ErrArguments, "runc does not accept"},
		{Crun, "create c --bundle /b", ErrArguments, "unexpected argument"},
		{Runc, "exec c", ErrArguments, "neither"},
		{Runc, "exec --process p", ErrArguments, "ID is missing"},

		{Runc, `create ""`, ErrID, "empty"},
		{Runc, "create .", ErrID, `"."`},
		{Runc, "create ..", ErrID, `".."`},
		{Runc, "create -", ErrID, `"-"`},
		{Runc, "create -- --x", ErrID, `"--x"`},
		{Runc, "create a/b", ErrID, "character outside"},
		{Runc, "create a,b", ErrID, "character outside"},
		{Runc, "create é", ErrID, "character outside"},
		{Crun, "start a\x00b", ErrID, "character outside"},
		{Runc, "exec -p p " + strings.Repeat("x", 256), ErrID, "longer than 255"},
	}
	for _, tt := range tests {
		inv, err := Parse(words(tt.args), "/cwd", tt.f)
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, tt.rule) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%v %.80s: error %v; want %q with %q", tt.f, tt.args, err, tt.rule, tt.text)
			continue
		}
		if !inv.Verb.Guarded() || inv.Command != inv.Verb.String() || e.Command != inv.Command {
			t.Errorf("%v %s: refused as %v %q", tt.f, tt.args, inv.Verb, inv.Command)
		}
		checkText(t, err)
	}
}

// checkText checks that Docker's CLI and the engines read nothing into a message.
func checkText(t *testing.T, err error) {
	t.Helper()
	for _, phrase := range []string{
		"permission denied", "no such file or directory", "not a directory", "executable file not found",
		"does not exist", "container not running", "no such process",
	} {
		if strings.Contains(err.Error(), phrase) {
			t.Errorf("%q holds %q", err, phrase)
		}
	}
}

func TestRefusedTellsTheLog(t *testing.T) {
	for _, args := range []string{
		"--log /l --log-format json create --foo c",
		"--log /k --log /l --log-format json create c",
		"--bogus --log /l --log-format=json create c",
		"--bogus=1 -log=/l --debug --log-format json exec c",
	} {
		inv, err := Parse(words(args), "/", Runc)
		if err == nil || inv.LogPath() != "/l" || inv.LogFormat != "json" {
			t.Errorf("%s: log %q, format %q, error %v", args, inv.LogPath(), inv.LogFormat, err)
		}
	}
}

func TestLogPath(t *testing.T) {
	for _, tt := range []struct {
		f         Flavor
		log, want string
	}{
		{Runc, "", ""},
		{Runc, "/l", "/l"},
		{Runc, "file:/l", "file:/l"},
		{Crun, "", ""},
		{Crun, "/l", "/l"},
		{Crun, "file:/l", "/l"},
		{Crun, "file:/l:x", "/l:x"},
		{Crun, "journald:x", ""},
		{Crun, "syslog:", ""},
		{Crun, "/a:b", ""},
	} {
		if got := (Invocation{Flavor: tt.f, Log: tt.log}).LogPath(); got != tt.want {
			t.Errorf("%v %q: %q, want %q", tt.f, tt.log, got, tt.want)
		}
	}
}

func TestNoWorkingDirectory(t *testing.T) {
	for _, args := range []string{"create c", "create --bundle b c", "--root r start c"} {
		if _, err := Parse(words(args), "", Runc); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", args, err)
		}
	}
	for _, args := range []string{"create --bundle /b c", "--root /r start c", "exec c ls", "--root r kill c"} {
		if _, err := Parse(words(args), "", Runc); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// TestArgvIsFresh checks that writing to one canonical argv leaves the next alone.
func TestArgvIsFresh(t *testing.T) {
	inv, err := Parse(words("run --keep c"), "/", Runc)
	if err != nil {
		t.Fatal(err)
	}
	inv.Argv()[0] = "x"
	if got := inv.Argv(); !reflect.DeepEqual(got, words("run --bundle / --keep c")) {
		t.Errorf("%q", got)
	}
}

func BenchmarkParse(b *testing.B) {
	args := words("--root /run/containerd/runc/k8s.io --log /run/b/log.json --log-format json --systemd-cgroup create --bundle /run/b --pid-file /run/b/init.pid 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
	b.ReportAllocs()
	for b.Loop() {
		inv, err := Parse(args, "/", Runc)
		if err != nil {
			b.Fatal(err)
		}
		inv.Argv()
	}
}
