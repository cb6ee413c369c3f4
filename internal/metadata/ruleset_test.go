// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden files")

func nft(t testing.TB, netns int, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	inNetns(t, netns, func() error {
		cmd := exec.Command("nft", args...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			return errors.New("nft " + strings.Join(args, " ") + ": " + err.Error() + ": " + out.String())
		}
		return nil
	})
	return out.String()
}

// withoutMeta drops what differs between runs from a JSON listing: the version
// of the program and the handles.
func withoutMeta(t testing.TB, listing string) []byte {
	t.Helper()
	var doc struct {
		Nftables []map[string]map[string]any `json:"nftables"`
	}
	must(t, json.Unmarshal([]byte(listing), &doc))
	out := []byte{}
	for _, o := range doc.Nftables {
		if o["metainfo"] != nil {
			continue
		}
		for _, body := range o {
			delete(body, "handle")
		}
		b, err := json.Marshal(o)
		must(t, err)
		out = append(append(out, b...), '\n')
	}
	return out
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it):\n%s", path, got)
	}
}

// TestGolden: the nft program reads what was meant.
func TestGolden(t *testing.T) {
	for _, x := range []struct {
		name string
		o    Options
	}{{"default", Options{}}, {"credentials", Options{Credentials: true}}} {
		ns := newNetns(t)
		if changed, err := Block(ns, x.o); err != nil || !changed {
			t.Fatal(changed, err)
		}
		golden(t, x.name+".json", withoutMeta(t, nft(t, ns, "-j", "list", "ruleset")))
		golden(t, x.name+".nft", []byte(nft(t, ns, "list", "ruleset")))
	}
}

// TestGoogleReads: github.com/google/nftables reads the same number of rules,
// the same expressions in the same order, and the same set elements.
func TestGoogleReads(t *testing.T) {
	ns := newNetns(t)
	_, err := Block(ns, Options{})
	must(t, err)
	want := build(Options{})
	c, err := nftables.New(nftables.WithNetNSFd(ns))
	must(t, err)
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	n := 0
	for _, name := range chains {
		rules, err := c.GetRules(table, &nftables.Chain{Name: name, Table: table})
		must(t, err)
		for i, r := range rules {
			w := wantRule(want, name, i)
			if w == nil {
				t.Fatalf("chain %s has rule %d", name, i)
			}
			n++
			var names []string
			for b := w.exprs; len(b) > 0; {
				a, rest, err := nextAttr(b)
				must(t, err)
				b = rest
				e, err := find(a.val, unix.NFTA_EXPR_NAME)
				must(t, err)
				names = append(names, strings.TrimRight(string(e.val), "\x00"))
			}
			if len(names) != len(r.Exprs) {
				t.Fatalf("chain %s rule %d: %d expressions, want %v", name, i, len(r.Exprs), names)
			}
			for j, e := range r.Exprs {
				kind := map[string]bool{}
				switch e := e.(type) {
				case *expr.Meta:
					kind["meta"] = true
				case *expr.Cmp:
					kind["cmp"] = true
				case *expr.Payload:
					kind["payload"] = true
				case *expr.Bitwise:
					kind["bitwise"] = true
				case *expr.Lookup:
					kind["lookup"] = !e.Invert
				case *expr.Verdict:
					kind["immediate"] = true
				case *expr.Counter:
					kind["counter"] = true
				case *expr.Reject:
					kind["reject"] = true
				case *expr.Exthdr:
					kind["exthdr"] = true
				}
				if !kind[names[j]] {
					t.Errorf("chain %s rule %d expression %d is %T, want %s", name, i, j, e, names[j])
				}
			}
			if string(r.UserData) != w.userdata() {
				t.Errorf("chain %s rule %d: comment %q", name, i, r.UserData)
			}
		}
	}
	if n != len(want.rules) {
		t.Errorf("%d rules, want %d", n, len(want.rules))
	}
	for name, keys := range map[string][]string{setV4: want.v4, setV6: want.v6} {
		elems, err := c.GetSetElements(&nftables.Set{Table: table, Name: name})
		must(t, err)
		got := map[string]bool{}
		for _, e := range elems {
			got[string(e.Key)] = true
		}
		if len(elems) != len(keys) {
			t.Errorf("%s: %d elements", name, len(elems))
		}
		for _, k := range keys {
			if !got[k] {
				t.Errorf("%s: %x is missing", name, k)
			}
		}
	}
}

func TestIdempotent(t *testing.T) {
	ns := newNetns(t)
	for i, x := range []struct {
		o       Options
		changed bool
	}{
		{Options{}, true},
		{Options{}, false},
		{Options{Credentials: true}, true},
		{Options{Credentials: true}, false},
		{Options{}, false}, // another of the pod wants more to be blocked
		{Options{Credentials: true}, false},
	} {
		if changed, err := Block(ns, x.o); err != nil || changed != x.changed {
			t.Fatalf("call %d: changed %v, %v", i, changed, err)
		}
	}
	must(t, Unblock(ns))
	must(t, Unblock(ns))
	if s := nft(t, ns, "list", "ruleset"); s != "" {
		t.Errorf("left behind: %s", s)
	}
	if _, err := Counters(ns); !errors.Is(err, ErrNotBlocked) {
		t.Errorf("Counters without a block: %v", err)
	}
}

// TestTampered: whatever was done to the table, Block puts it right, and leaves
// other tables alone.
func TestTampered(t *testing.T) {
	clean := newNetns(t)
	_, err := Block(clean, Options{})
	must(t, err)
	want := withoutMeta(t, nft(t, clean, "-j", "list", "table", "inet", tableName))
	for _, change := range []string{
		"delete table inet runclad; add table inet runclad",
		"insert rule inet runclad output accept",
		"insert rule inet runclad output return",
		"add rule inet runclad output accept",
		"insert rule inet runclad listed accept",
		"insert rule inet runclad refuse accept",
		"insert rule inet runclad ip_options return",
		"flush chain inet runclad output",
		"flush chain inet runclad refuse",
		"add table inet runclad { flags dormant; }",
		"add chain inet runclad other",
		"add chain inet runclad output { policy drop; }",
		"add set inet runclad other { type ipv4_addr; }",
		"delete table inet runclad; add table inet runclad; add chain inet runclad output { type filter hook output priority 10; }",
		"delete table inet runclad; add table inet runclad; add chain inet runclad output { type filter hook input priority 0; }",
		"delete table inet runclad; add table inet runclad; add chain inet runclad output; add chain inet runclad listed",
		// Everything as it was but the elements of a set.
		"SET4",
		// Everything as it was but a chain without its hook.
		"UNHOOK",
	} {
		ns := newNetns(t)
		_, err := Block(ns, Options{})
		must(t, err)
		nft(t, ns, "add table ip other; add chain ip other c; add rule ip other c counter")
		switch change {
		case "SET4":
			text := nft(t, ns, "list", "table", "inet", tableName)
			changed := strings.Replace(text, "100.100.100.200,", "100.100.100.201,", 1)
			if changed == text {
				t.Fatalf("no such element in %s", text)
			}
			nft(t, ns, "delete table inet runclad; "+changed)
		case "UNHOOK":
			text := nft(t, ns, "list", "table", "inet", tableName)
			changed := strings.Replace(text, "type filter hook output priority filter; policy accept;", "", 1)
			if changed == text {
				t.Fatalf("no hook in %s", text)
			}
			nft(t, ns, "delete table inet runclad; "+changed)
		default:
			nft(t, ns, change)
		}
		if changed, err := Block(ns, Options{}); err != nil || !changed {
			t.Errorf("%s: changed %v, %v", change, changed, err)
		}
		if got := withoutMeta(t, nft(t, ns, "-j", "list", "table", "inet", tableName)); !bytes.Equal(got, want) {
			t.Errorf("%s: not put right:\n%s", change, got)
		}
		if s := nft(t, ns, "list", "ruleset"); !strings.Contains(s, "table ip other") {
			t.Errorf("%s: the other table is gone", change)
		}
	}
}

// TestSameFromText: a table that the nft program makes from its own listing is
// seen as identical, so the comparison is of what stands and not of who made it.
func TestSameFromText(t *testing.T) {
	ns := newNetns(t)
	_, err := Block(ns, Options{})
	must(t, err)
	text := nft(t, ns, "list", "table", "inet", tableName)
	nft(t, ns, "delete table inet runclad; "+text)
	c, err := dial(ns)
	must(t, err)
	defer c.close()
	l, err := c.list(build(Options{}))
	must(t, err)
	if !l.present {
		t.Fatal("absent")
	}
	if !l.identical {
		t.Error("not seen as identical")
	}
}

// TestConcurrent: many at once, in this process and in others, make one table
// and one of them makes it.
func TestConcurrent(t *testing.T) {
	for range 5 {
		ns := newNetns(t)
		// Bringing lo up counts as a change as well.
		inNetns(t, ns, func() error { return exec.Command("ip", "link", "set", "lo", "up").Run() })
		file := os.NewFile(uintptr(mustDup(t, ns)), "netns")
		var mu sync.Mutex
		made := 0
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				var changed bool
				var err error
				if i%2 == 0 {
					changed, err = Block(ns, Options{})
				} else {
					cmd := exec.Command("/proc/self/exe")
					cmd.Env = append(os.Environ(), roleEnv+"=blocker")
					cmd.ExtraFiles = []*os.File{file}
					var out []byte
					out, err = cmd.Output()
					changed = string(out) == "true"
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if changed {
					made++
				}
			})
		}
		wg.Wait()
		file.Close()
		if made != 1 {
			t.Errorf("%d say that they made it", made)
		}
		if s := nft(t, ns, "list", "tables"); s != "table inet runclad\n" {
			t.Errorf("tables: %s", s)
		}
		if changed, err := Block(ns, Options{}); err != nil || changed {
			t.Errorf("afterwards: %v, %v", changed, err)
		}
	}
}

// TestConcurrentOptions: callers that want different things do not fail, and what
// stands blocks what each of them wants.
func TestConcurrentOptions(t *testing.T) {
	ns := newNetns(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, err := Block(ns, Options{Credentials: i%2 == 0}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := withoutMeta(t, nft(t, ns, "-j", "list", "ruleset"))
	want, err := os.ReadFile("testdata/credentials.json")
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("stands:\n%s", got)
	}
}

func mustDup(t testing.TB, fd int) int {
	t.Helper()
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	must(t, err)
	return d
}
