// SPDX-License-Identifier: Apache-2.0

package argv

import (
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/urfave/cli"
)

// runcFlags is runc 1.5's command line, written down apart from flagTable:
// name[,short]=TYPE with s string, b bool, l list of strings, i int, g list of ints.
var runcFlags = map[string]string{
	"":        "debug=b log=s log-format=s root=s systemd-cgroup=b rootless=s criu=s",
	"create":  "bundle,b=s console-socket=s pidfd-socket=s pid-file=s no-pivot=b no-new-keyring=b preserve-fds=i",
	"run":     "bundle,b=s console-socket=s pidfd-socket=s detach,d=b keep=b pid-file=s no-subreaper=b no-pivot=b no-new-keyring=b preserve-fds=i",
	"restore": "console-socket=s image-path=s work-path=s tcp-established=b ext-unix-sk=b shell-job=b file-locks=b manage-cgroups-mode=s bundle,b=s detach,d=b pid-file=s no-subreaper=b no-pivot=b empty-ns=l auto-dedup=b lazy-pages=b lsm-profile=s lsm-mount-context=s",
	"exec":    "console-socket=s pidfd-socket=s cwd=s env,e=l tty,t=b user,u=s additional-gids,g=g process,p=s detach,d=b pid-file=s process-label=s apparmor=s no-new-privs=b cap,c=l preserve-fds=i cgroup=l ignore-paused=b",
	"start":   "",
}

func cliFlags(command string) []cli.Flag {
	var out []cli.Flag
	for f := range strings.FieldsSeq(runcFlags[command]) {
		name, typ, _ := strings.Cut(f, "=")
		switch typ {
		case "s":
			out = append(out, cli.StringFlag{Name: name})
		case "b":
			out = append(out, cli.BoolFlag{Name: name})
		case "l":
			out = append(out, cli.StringSliceFlag{Name: name})
		case "i":
			out = append(out, cli.IntFlag{Name: name})
		case "g":
			out = append(out, cli.Int64SliceFlag{Name: name})
		}
	}
	return out
}

// call is what runc would do: the guarded command whose action runs, its flags by
// name and value, and its arguments.
type call struct {
	command string
	flags   map[string]string
	args    []string
}

// asRunc reads args with the library that runc 1.2 to 1.5 use. The command is ""
// where no guarded action would run.
func asRunc(args []string) call {
	var got call
	app := cli.NewApp()
	app.Writer, app.ErrWriter = io.Discard, io.Discard
	app.Version = "1"
	cli.HelpPrinter = func(io.Writer, string, any) {}
	cli.VersionPrinter = func(*cli.Context) {}
	cli.OsExiter, cli.ErrWriter = func(int) {}, io.Discard // `help TOPIC` exits
	app.Flags = cliFlags("")
	for _, name := range []string{"delete", "kill", "features", "state"} {
		app.Commands = append(app.Commands, cli.Command{Name: name, Action: func(*cli.Context) {}})
	}
	for name := range runcFlags {
		if name == "" {
			continue
		}
		flags := cliFlags(name)
		app.Commands = append(app.Commands, cli.Command{
			Name: name, Flags: flags, SkipArgReorder: name == "exec",
			Action: func(c *cli.Context) error {
				if c.NArg() < 1 || name != "exec" && c.NArg() != 1 {
					return nil // runc's checkArgs
				}
				got = call{name, map[string]string{}, c.Args()}
				read := func(names string, at *cli.Context) {
					for f := range strings.FieldsSeq(names) {
						name, typ, _ := strings.Cut(f, "=")
						name, _, _ = strings.Cut(name, ",")
						var v string
						switch typ {
						case "s":
							v = at.String(name)
						case "b":
							v = strings.Replace(fmt.Sprint(at.Bool(name)), "false", "", 1)
						case "l":
							v = strings.Join(at.StringSlice(name), "\x01")
						case "i":
							v = strings.TrimPrefix(strconv.Itoa(at.Int(name)), "0")
						case "g":
							v = strings.Trim(fmt.Sprint(at.Int64Slice(name)), "[]")
						}
						if v != "" {
							got.flags[name] = v
						}
					}
				}
				read(runcFlags[""], c.Parent())
				read(runcFlags[name], c)
				return nil
			},
		})
	}
	_ = app.Run(append([]string{"runc"}, args...))
	return got
}

// compareWithRunc checks one argv against runc's own library: what is passed on
// runs nothing guarded, and what is guarded is read as runc reads it, before and
// after re-emission.
func compareWithRunc(t *testing.T, args []string) {
	t.Helper()
	inv, err := Parse(args, "/cwd", Runc)
	if err != nil {
		checkText(t, err)
		return
	}
	got := asRunc(args)
	if !inv.Verb.Guarded() {
		if got.command != "" {
			t.Errorf("%q is passed on as %v, but runc would %s %q", args, inv.Verb, got.command, got.args)
		}
		return
	}
	checkCanonical(t, args, inv)
	if got.command != inv.Command {
		t.Errorf("%q: accepted as %v, but runc would run %q", args, inv.Verb, got.command)
		return
	}
	out := inv.Argv()
	if inv.Verb == Exec {
		out = inv.ExecArgv("/run/process.json")
		compareExec(t, args, inv, got)
		for _, name := range []string{"cwd", "env", "tty", "user", "additional-gids", "process", "process-label", "apparmor", "no-new-privs", "cap"} {
			delete(got.flags, name)
		}
		got.args = got.args[:1]
	}
	// What re-emission changes, runc does itself.
	if inv.Verb.hasBundle() {
		got.flags["bundle"] = abs(got.flags["bundle"])
	}
	if got.flags["root"] != "" {
		got.flags["root"] = abs(got.flags["root"])
	}
	canon := asRunc(out)
	delete(canon.flags, "process")
	if fmt.Sprint(canon) != fmt.Sprint(got) {
		t.Errorf("%q:\n runc reads %q\ncanonical %q", args, got, canon)
	}
}

func abs(file string) string {
	if path.IsAbs(file) {
		return path.Clean(file)
	}
	return path.Join("/cwd", file)
}

func compareExec(t *testing.T, args []string, inv Invocation, got call) {
	t.Helper()
	x := inv.Exec
	want := map[string]string{
		"cwd": x.Cwd, "env": strings.Join(x.Env, "\x01"), "user": x.User, "process": inv.Process,
		"additional-gids": strings.Trim(fmt.Sprint(x.AdditionalGids), "[]"), "process-label": x.ProcessLabel,
		"apparmor": x.Apparmor, "cap": strings.Join(x.Caps, "\x01"),
	}
	if x.TTY {
		want["tty"] = "true"
	}
	if x.NoNewPrivs != nil && *x.NoNewPrivs {
		want["no-new-privs"] = "true"
	}
	for name, value := range want {
		if got.flags[name] != value {
			t.Errorf("%q: --%s is %q, runc reads %q", args, name, value, got.flags[name])
		}
	}
	if !slices.Equal(append([]string{inv.ID}, inv.Args...), got.args) {
		t.Errorf("%q: ID and args %q %q, runc reads %q", args, inv.ID, inv.Args, got.args)
	}
}

// TestAgainstRuncLibrary walks random command lines from the words that matter.
func TestAgainstRuncLibrary(t *testing.T) {
	vocabulary := words(`-- - "" ID x /b b 1 0 true false=1 --debug --debug=0 -debug=x --root --root=/r /r --log --log=/l --log-format
		json --log-format=text --help --help=false -h -h=0 --version -v -v=false --bogus --bogus=create --rootless auto --criu
		create run restore exec start delete features --bundle --bundle=b -b -b=/b -bundle ---bundle --pid-file p --detach -d -d=false
		--detach=true --keep --keep=0 --no-pivot=0 --no-pivot --preserve-fds 2 --preserve-fds=1 --empty-ns network --empty-ns=ipc
		--process -p --tty -t --env -e A=1 --env=B=2 --cap CAP_X -u 0:0 -g 5 --no-new-privs=0 --cgroup a:b ls ID`)
	commands := []string{"create", "run", "restore", "exec", "start"}
	rng := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 60_000 {
		var args []string
		// One in two starts as an engine's does, so that many are accepted.
		if rng.IntN(2) == 0 {
			for range rng.IntN(3) {
				args = append(args, []string{"--debug", "--root=/r", "--log-format=json", "--rootless=auto"}[rng.IntN(4)])
			}
			args = append(args, commands[rng.IntN(len(commands))])
		}
		for range rng.IntN(6) {
			args = append(args, vocabulary[rng.IntN(len(vocabulary))])
		}
		if rng.IntN(2) == 0 {
			args = append(args, "ID")
		}
		if inv, err := Parse(args, "/cwd", Runc); err == nil && inv.Verb.Guarded() {
			accepted++
		}
		compareWithRunc(t, args)
		if t.Failed() {
			return
		}
	}
	if accepted < 3000 {
		t.Errorf("only %d command lines were accepted: the walk proves little", accepted)
	}
	for _, args := range corpus(t) {
		compareWithRunc(t, args)
	}
}

// TestTableHoldsRuncFlags compares the table with the list above, row by row.
func TestTableHoldsRuncFlags(t *testing.T) {
	for command, flags := range runcFlags {
		n := 0
		for f := range strings.FieldsSeq(flags) {
			names, typ, _ := strings.Cut(f, "=")
			want := map[string]kind{"b": toggle, "s": valued, "i": valued, "l": list, "g": list}[typ]
			for name := range strings.SplitSeq(names, ",") {
				row := lookup(Runc, 1<<guarded(command), flagWord{name: name})
				if row < 0 || flagTable[row].kind != want {
					t.Errorf("%q --%s: row %d, want one of kind %d", command, name, row, want)
				}
			}
			n++
		}
		for _, row := range flagTable {
			if row.runc&(1<<guarded(command)) != 0 && row.refused != standsAlone && row.name != "version" {
				n--
			}
		}
		if n != 0 {
			t.Errorf("%q: %d flags more in the list than in the table", command, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, args := range corpus(f) {
		f.Add(strings.Join(args, "\x00"))
	}
	for _, s := range []string{
		"create -b /b c", "run c --detach", "exec -e A=1 --tty=no c ls -l", "--help --help=false create c",
		"create --bundle --help c", "--bogus create c", "create -- c", "create c --", "-v=false -- start c",
	} {
		f.Add(strings.Join(words(s), "\x00"))
	}
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		compareWithRunc(t, args)
		for _, flavor := range []Flavor{Runc, Crun} {
			inv, err := Parse(args, "/cwd", flavor)
			switch {
			case err != nil:
				checkText(t, err)
				if !inv.Verb.Guarded() {
					t.Errorf("%v %q: refused as %v: %v", flavor, args, inv.Verb, err)
				}
			case inv.Verb.Guarded():
				checkCanonical(t, args, inv)
			}
		}
	})
}
