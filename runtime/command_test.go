// SPDX-License-Identifier: Apache-2.0

package runtime_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/record"
)

// state is what the commands of one script share.
type state struct {
	work    string
	shim    string // the build of it that is called
	prelude string // shell commands before the next call
	before  map[string]string
	store   []string // what lay in /run/runclad before
	args    []string
	code    int
	stdout  string
	stderr  string
	undo    []func()
}

func (s *state) close() {
	for _, f := range slices.Backward(s.undo) {
		f()
	}
}

// cmdCall is `call ARGS…`: the shim with these arguments, in the script's
// folder and environment, after the shell commands of `given`.
func cmdCall(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	s.before, s.store, s.args = snapshot(ts), storeFiles(), args
	for _, name := range []string{"call.json", "config.json", "process.json", "seals"} {
		_ = os.Remove(filepath.Join(s.work, "out", name))
	}
	argv := append([]string{of(ts).shim}, args...)
	if s.prelude != "" {
		argv = append([]string{"/bin/sh", "-c", s.prelude + `; exec "$@"`, "sh"}, argv...)
	}
	s.prelude = ""
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	err := cmd.Run()
	timer.Stop()
	s.code, s.stdout, s.stderr = cmd.ProcessState.ExitCode(), out.String(), errs.String()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		ts.Fatalf("%v", err)
	}
	ts.Logf("exit status %d\nstdout: %s\nstderr: %s", s.code, s.stdout, s.stderr)
}

func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "FAKERUNC_OUT", "FAKERUNC_FAIL", "ODD"} {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// forbidden are words from which Docker, containerd and conmon conclude.
var forbidden = []string{
	"permission denied", "no such file or directory", "not a directory", "executable file not found", "does not exist",
	"no such process", "container not running",
}

// cmdRefused is `refused TEXT…`: the call ended as a failure before execve must,
// and its reason holds the texts.
func cmdRefused(ts *testscript.TestScript, _ bool, texts []string) {
	s := of(ts)
	want := 1
	if slices.Contains(s.args, "exec") {
		want = 255
	}
	if s.code != want {
		ts.Fatalf("exit status %d, want %d", s.code, want)
	}
	if _, err := os.Stat(filepath.Join(s.work, "out/call.json")); err == nil {
		ts.Fatalf("the runtime was executed")
	}
	untouched(ts, s.before)
	if s.stdout != "" {
		ts.Fatalf("stdout holds %q", s.stdout)
	}
	reason := strings.TrimSuffix(s.stderr, "\n")
	if strings.Count(s.stderr, "\n") != 1 || !strings.HasPrefix(reason, "runclad") {
		ts.Fatalf("stderr is not one line of runclad's: %q", s.stderr)
	}
	for _, word := range forbidden {
		if strings.Contains(strings.ToLower(reason), word) {
			ts.Fatalf("the reason holds %q", word)
		}
	}
	for _, text := range texts {
		if !strings.Contains(reason, text) {
			ts.Fatalf("the reason lacks %q", text)
		}
	}
	for _, file := range storeFiles() { // what is left of the dead may go
		if !slices.Contains(s.store, file) {
			ts.Fatalf("%s was left", file)
		}
	}
	logged(ts, s.args, reason)
}

// logged looks for the one line in the file that --log names.
func logged(ts *testscript.TestScript, args []string, reason string) {
	file, format := "", "text"
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--log-format="); ok {
			format = v
		} else if a == "--log-format" && i+1 < len(args) {
			format = args[i+1]
		} else if a == "--log" && i+1 < len(args) {
			file = args[i+1]
		}
	}
	if file == "" {
		return
	}
	data, err := os.ReadFile(ts.MkAbs(file))
	ts.Check(err)
	_ = os.Remove(ts.MkAbs(file)) // the next call begins anew
	if bytes.Count(data, []byte("\n")) != 1 {
		ts.Fatalf("the log is not one line: %q", data)
	}
	var msg string
	if format == "json" {
		var line map[string]string
		if err := json.Unmarshal(data, &line); err != nil {
			ts.Fatalf("log %q: %v", data, err)
		}
		if _, err := time.Parse(time.RFC3339, line["time"]); err != nil || line["level"] != "error" || len(line) != 3 {
			ts.Fatalf("log line %v: %v", line, err)
		}
		msg = line["msg"]
	} else {
		m := regexp.MustCompile(`^time="\S+" level=error msg=(".*")\n$`).FindSubmatch(data)
		if m == nil {
			ts.Fatalf("log line %q", data)
		}
		msg, err = strconv.Unquote(string(m[1]))
		ts.Check(err)
	}
	if msg != reason {
		ts.Fatalf("the log says %q, stderr %q", msg, reason)
	}
}

// cmdPassed is `passed [ARG…]`: the runtime was executed, with exactly these
// arguments, or with those of the call if there are none.
func cmdPassed(ts *testscript.TestScript, _ bool, want []string) {
	s := of(ts)
	if len(want) == 0 {
		want = s.args
	}
	if got := called(ts).Args; !slices.Equal(got, want) {
		ts.Fatalf("the runtime got %q, want %q", got, want)
	}
}

// cmdRan is `ran`: the runtime was executed and its status handed on.
func cmdRan(ts *testscript.TestScript, _ bool, _ []string) {
	called(ts)
	if s := of(ts); s.code != 0 {
		ts.Fatalf("exit status %d", s.code)
	}
}

type fakeCall struct {
	Args, Env   []string
	Dir, NoFile string
	Umask       string
	Files       map[int]string
}

func called(ts *testscript.TestScript) fakeCall {
	data, err := os.ReadFile(filepath.Join(of(ts).work, "out/call.json"))
	if err != nil {
		ts.Fatalf("the runtime was not executed: %v", err)
	}
	var c fakeCall
	ts.Check(json.Unmarshal(data, &c))
	return c
}

// cmdJSON is `json FILE PATH VALUE`: what a JSON file holds at a.b.0.c, as
// compact JSON; `! json FILE PATH VALUE` that it holds something else.
func cmdJSON(ts *testscript.TestScript, neg bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	ts.Check(dec.Decode(&v))
	for _, key := range strings.Split(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: no element %s", args[1], key)
			}
			v = at[i]
		default:
			v = nil
		}
	}
	got, err := json.Marshal(v)
	ts.Check(err)
	if (string(got) == args[2]) == neg {
		ts.Fatalf("%s in %s is %s", args[1], args[0], got)
	}
}

// cmdMount is `mount TYPE DIR [DATA]`, or `mount ro DIR` for a read-only bind of
// a folder on itself.
func cmdMount(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(dir, 0o755))
	data := ""
	if len(args) > 2 {
		data = args[2]
	}
	if args[0] == "ro" {
		ts.Check(unix.Mount(dir, dir, "", unix.MS_BIND, ""))
		ts.Check(unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	} else {
		ts.Check(unix.Mount(args[0], dir, args[0], 0, data))
	}
	s := of(ts)
	s.undo = append(s.undo, func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// cmdFill is `fill DIR`: nothing more fits on its filesystem.
func cmdFill(ts *testscript.TestScript, _ bool, args []string) {
	f, err := os.OpenFile(filepath.Join(ts.MkAbs(args[0]), "filler"), os.O_CREATE|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer f.Close()
	for size := 1 << 16; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 16
		}
	}
	s := of(ts)
	s.undo = append(s.undo, func() { _ = os.Remove(f.Name()) })
}

// cmdSed is `sed FILE OLD NEW`: a replacement in place that must happen.
func cmdSed(ts *testscript.TestScript, _ bool, args []string) {
	file := ts.MkAbs(args[0])
	data, err := os.ReadFile(file)
	ts.Check(err)
	if !bytes.Contains(data, []byte(args[1])) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(file, bytes.ReplaceAll(data, []byte(args[1]), []byte(args[2])), 0o640))
}

// cmdContainer is `container ID`: the runtime's state of a container whose first
// process lives, in a network namespace of its own. $PID is set.
func cmdContainer(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command("/usr/bin/unshare", "-n", "sleep", "60")
	ts.Check(cmd.Start())
	s := of(ts)
	s.undo = append(s.undo, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	own, err := os.Readlink("/proc/self/ns/net")
	ts.Check(err)
	for range 200 { // until unshare(1) has done it
		if ns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid)); err == nil && ns != own {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
	ts.Check(err)
	start := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[19]
	dir := filepath.Join("/run/runc", args[0])
	ts.Check(os.MkdirAll(dir, 0o711))
	text := fmt.Sprintf(`{"id":%q,"init_process_pid":%d,"init_process_start":%s}`, args[0], cmd.Process.Pid, start)
	ts.Check(os.WriteFile(filepath.Join(dir, "state.json"), []byte(text), 0o600))
	ts.Setenv("PID", strconv.Itoa(cmd.Process.Pid))
}

// cmdOwner is `owner FILE UID GID MODE`.
func cmdOwner(ts *testscript.TestScript, _ bool, args []string) {
	var st unix.Stat_t
	ts.Check(unix.Lstat(ts.MkAbs(args[0]), &st))
	if got := fmt.Sprintf("%d %d %04o", st.Uid, st.Gid, st.Mode&0o7777); got != strings.Join(args[1:], " ") {
		ts.Fatalf("%s is %s, want %s", args[0], got, args[1:])
	}
}

// cmdAudited is `audited FILE DECISION [TEXT…]`: the last line of an audit log.
func cmdAudited(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(args[0])
	ts.Check(err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	last := lines[len(lines)-1]
	var line map[string]any
	ts.Check(json.Unmarshal([]byte(last), &line))
	if line["decision"] != args[1] {
		ts.Fatalf("the audit log says %s", last)
	}
	for _, text := range args[2:] {
		if !strings.Contains(last, text) {
			ts.Fatalf("the audit line %s lacks %s", last, text)
		}
	}
}

// cmdOutput is `output TEXT…`: what the call printed holds the texts, and nothing
// went to stderr but the fake runtime's own. \n stands for a line's end.
func cmdOutput(ts *testscript.TestScript, _ bool, texts []string) {
	s := of(ts)
	for _, text := range texts {
		if !strings.Contains(s.stdout, strings.ReplaceAll(text, `\n`, "\n")) {
			ts.Fatalf("stdout %q lacks %q", s.stdout, text)
		}
	}
}

// cmdGrant is `grant ID SECONDS CAPABILITY…`: root and these in container ID, as
// runcladctl break-glass grants it; with fewer than 0 seconds it has ended.
func cmdGrant(ts *testscript.TestScript, _ bool, args []string) {
	store, err := record.Open(record.DefaultDir)
	ts.Check(err)
	defer store.Close()
	r, err := store.Read("/run/runc", args[0])
	ts.Check(err)
	seconds, err := strconv.Atoi(args[1])
	ts.Check(err)
	now, err := record.Now()
	ts.Check(err)
	d := time.Duration(seconds) * time.Second
	if d < 0 {
		now.Wall, now.Boot, d = now.Wall.Add(2*d), now.Boot+2*d, -d
	}
	g := record.Grant{Capabilities: args[2:], Reason: "for the test", Who: "the test"}
	g.Limit(now, d)
	ts.Check(store.WriteGrant(r, g))
}

// cmdCode is `code N`: the exit status.
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	if got := strconv.Itoa(of(ts).code); got != args[0] {
		ts.Fatalf("exit status %s, want %s", got, args[0])
	}
}

// snapshot describes every file of the bundle: inode, owner, mode, content.
func snapshot(ts *testscript.TestScript) map[string]string {
	out := map[string]string{}
	root := ts.MkAbs("bundle")
	_ = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err != nil || unix.Lstat(p, &st) != nil {
			return err
		}
		text := ""
		if d.Type().IsRegular() && st.Size < 1<<20 {
			b, _ := os.ReadFile(p)
			text = string(b)
		}
		out[p] = fmt.Sprint(st.Ino, st.Uid, st.Gid, st.Mode, " ", text)
		return nil
	})
	return out
}

func untouched(ts *testscript.TestScript, before map[string]string) {
	after := snapshot(ts)
	for p, was := range before {
		is := after[p]
		if strings.HasSuffix(p, "/config.json") && ts.Getenv("RESTORED") != "" {
			// Written and put back: another inode, the same else.
			_, was, _ = strings.Cut(was, " ")
			_, is, _ = strings.Cut(is, " ")
		}
		if is != was {
			ts.Fatalf("%s was\n%s\nand is\n%s", p, was, is)
		}
	}
	for p := range after {
		if _, ok := before[p]; !ok {
			ts.Fatalf("%s was left", p)
		}
	}
}

// storeFiles lists what lies in the run state, but for the audit log there and
// the place where the search for dead claims goes on.
func storeFiles() []string {
	var out []string
	_ = filepath.WalkDir("/run/runclad", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && filepath.Base(p) != "audit.jsonl" && filepath.Base(p) != "cursor" {
			out = append(out, p)
		}
		return nil
	})
	return out
}
