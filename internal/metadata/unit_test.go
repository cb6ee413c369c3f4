// SPDX-License-Identifier: Apache-2.0

package metadata

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestEndpoints(t *testing.T) {
	var last netip.Addr
	seen := map[string]bool{}
	for _, e := range Endpoints {
		a, err := netip.ParseAddr(e.Addr)
		must(t, err)
		if a.String() != e.Addr || string(a.AsSlice()) != e.raw {
			t.Errorf("%s: text and bytes %x differ", e.Addr, e.raw)
		}
		if last.IsValid() && !last.Less(a) {
			t.Errorf("%s is not after %s", a, last)
		}
		last = a
		if e.Provider == "" || e.Note == "" || len(e.Provider) > 200 {
			t.Errorf("%s: provider %q, note %q", e.Addr, e.Provider, e.Note)
		}
		seen[e.raw] = true
	}
	for _, e := range NeverBlocked {
		if a := netip.MustParseAddr(e.Addr); string(a.AsSlice()) != e.raw {
			t.Errorf("%s: text and bytes %x differ", e.Addr, e.raw)
		}
		if seen[e.raw] {
			t.Errorf("%s is on both lists", e.Addr)
		}
	}
	var creds []string
	for _, e := range Endpoints {
		if e.Credentials {
			creds = append(creds, e.Addr)
		}
	}
	if !slices.Equal(creds, []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"}) {
		t.Errorf("credentials: %v", creds)
	}
}

func TestNamespaces(t *testing.T) {
	a, b := newNetns(t), newNetns(t)
	for _, x := range []struct {
		a, b int
		same bool
	}{{a, a, true}, {a, b, false}, {a, mustDup(t, a), true}} {
		if same, err := SameNetns(x.a, x.b); err != nil || same != x.same {
			t.Errorf("%v, %v", same, err)
		}
		if x.b != a && x.b != b {
			unix.Close(x.b)
		}
	}
	self, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(self)
	if same, err := SameNetnsPath(self, "/proc/self/ns/net"); err != nil || !same {
		t.Error(same, err)
	}
	if same, err := SameNetnsPath(a, "/proc/self/ns/net"); err != nil || same {
		t.Error(same, err)
	}
	for _, path := range []string{"/proc/self/ns/mnt", "/dev/null", "/proc/self/status", "/nonexistent"} {
		if _, err := SameNetnsPath(self, path); err == nil {
			t.Errorf("%s was compared", path)
		}
	}

	// Not a network namespace: refused, and the caller is where it was.
	for _, path := range []string{"/proc/self/ns/mnt", "/dev/null"} {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		must(t, err)
		if _, err := Block(fd, Options{}); err == nil || !strings.Contains(err.Error(), "enter the network namespace") {
			t.Errorf("%s: %v", path, err)
		}
		unix.Close(fd)
	}
	_, err = Block(a, Options{})
	must(t, err)
	var st unix.Stat_t
	must(t, unix.Fstat(a, &st))
	there := "net:[" + strconv.FormatUint(st.Ino, 10) + "]"
	// The thread that made the namespace may still be ending.
	left := ""
	for range 200 {
		left = ""
		tasks, err := os.ReadDir("/proc/self/task")
		must(t, err)
		for _, task := range tasks {
			if now, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net"); err == nil && now == there {
				left = task.Name()
			}
		}
		if left == "" {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if left != "" {
		t.Errorf("thread %s is still in the namespace", left)
	}
}

func TestErrors(t *testing.T) {
	for _, x := range []struct {
		err  error
		want []string
	}{
		{failure("open a netlink socket for nf_tables", unix.EPROTONOSUPPORT), []string{"open a netlink socket", "EPROTONOSUPPORT", "CONFIG_NF_TABLES_INET", `metadata = "allow" under [profile.default]`}},
		{refusal("add a rule", 20, unix.ENOENT, "no such expression"), []string{"add a rule", "ENOENT", "(kernel: no such expression)", "CONFIG_NFT_REJECT_INET"}},
		{refusal("x", 20, unix.EPERM, ""), []string{"EPERM", "CAP_NET_ADMIN"}},
		{failure("make a network namespace", unix.ENOSPC), []string{"ENOSPC", "user.max_net_namespaces"}},
		{failure("read", errNoAnswer), []string{"read: the kernel gave no answer"}},
	} {
		for _, w := range x.want {
			if !strings.Contains(x.err.Error(), w) {
				t.Errorf("%q lacks %q", x.err, w)
			}
		}
		// Docker searches for these (exit codes 126 and 127).
		for _, w := range []string{"permission denied", "no such file or directory", "not a directory", "executable file not found"} {
			if strings.Contains(strings.ToLower(x.err.Error()), w) {
				t.Errorf("%q says %q", x.err, w)
			}
		}
	}
	if err := failure("a", failure("b", unix.EPERM)); !errors.Is(err, unix.EPERM) || strings.Contains(err.Error(), "a:") {
		t.Error(err)
	}
	for _, x := range []struct {
		step  int
		errno unix.Errno
	}{{0, unix.ERESTART}, {1, unix.EEXIST}, {1, unix.ENOENT}} {
		if !errors.Is(refusal("", x.step, x.errno, ""), errStale) {
			t.Errorf("step %d, %v: not tried again", x.step, x.errno)
		}
	}
}

// TestKernelSentence: an extended acknowledgement is decoded, from a real one.
func TestKernelSentence(t *testing.T) {
	c, err := dial(newNetns(t))
	must(t, err)
	defer c.close()
	l := &listing{}
	must(t, c.listTable(l, &ruleset{}))
	b := &batch{first: c.seq + 1}
	b.begin(l.gen)
	at := b.step("create nonsense", unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE)
	b.leaf(unix.NFTA_TABLE_NAME, strings.Repeat("x", 300))
	b.end(at)
	err = c.commit(b)
	if err == nil || !strings.Contains(err.Error(), "create nonsense: ") || !strings.Contains(err.Error(), "(kernel: ") {
		t.Errorf("%v", err)
	}
	// The wrong generation is refused before anything is done.
	b = &batch{first: c.seq + 1}
	b.begin(l.gen + 1)
	b.create(build(Options{}))
	if err := c.commit(b); !errors.Is(err, errStale) {
		t.Errorf("wrong generation: %v", err)
	}
}

// FuzzAnswer: no bytes from a socket make the decoders panic or run for ever.
func FuzzAnswer(f *testing.F) {
	want := build(Options{Credentials: true})
	e := &encoder{}
	for _, r := range want.rules[:3] {
		at := e.start(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWRULE, 0, 1, unix.NFPROTO_INET, 0)
		e.text(unix.NFTA_RULE_TABLE, tableName)
		e.text(unix.NFTA_RULE_CHAIN, r.chain)
		list := e.open(unix.NFTA_RULE_EXPRESSIONS)
		e.b = append(e.b, r.exprs...)
		e.shut(list)
		e.end(at)
	}
	f.Add(e.b)
	f.Add(binary.NativeEndian.AppendUint32(nil, 16))
	f.Add([]byte{36, 0, 0, 0, 2, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &listing{identical: true}
		var next [len(chains)]int
		for len(b) > 0 {
			m, rest, err := nextMessage(b)
			if err != nil {
				return
			}
			b = rest
			_, _, _ = m.verdict()
			family, _, attrs, err := m.tables()
			if err != nil {
				continue
			}
			_ = l.table(attrs)
			_ = l.baseChain(attrs)
			_ = l.rule(family, attrs, want, &next)
			_, _ = keyOf(attrs, want.v4)
		}
	})
}

// TestEveryBitMatters: a listed rule that differs in any bit of any value, the
// counters apart, is another rule.
func TestEveryBitMatters(t *testing.T) {
	var leaves func(b []byte, f func(leaf []byte))
	leaves = func(b []byte, f func([]byte)) {
		for len(b) > 0 {
			a, rest, err := nextAttr(b)
			must(t, err)
			b = rest
			if a.nested {
				leaves(a.val, f)
			} else {
				f(a.val)
			}
		}
	}
	n := 0
	for _, r := range build(Options{Credentials: true}).rules {
		if same, err := sameExprs(r.exprs, slices.Clone(r.exprs)); err != nil || !same {
			t.Fatal(same, err)
		}
		other := slices.Clone(r.exprs)
		for b := other; len(b) > 0; {
			elem, rest, err := nextAttr(b)
			must(t, err)
			b = rest
			if name, err := find(elem.val, unix.NFTA_EXPR_NAME); err != nil || name.is(countedExpr) {
				continue
			}
			leaves(elem.val, func(leaf []byte) {
				for i := range leaf {
					for bit := range 8 {
						leaf[i] ^= 1 << bit
						if same, err := sameExprs(r.exprs, other); err != nil || same {
							t.Errorf("chain %s %q: %v, %v", r.chain, r.comment, same, err)
						}
						leaf[i] ^= 1 << bit
						n++
					}
				}
			})
		}
		if same, err := sameExprs(r.exprs, other[:0]); err != nil || same {
			t.Error("an empty rule is the same")
		}
	}
	if n < 10000 {
		t.Errorf("only %d bits tried", n)
	}
}

// TestNew: the block stands in a namespace that nobody has been in, lo is up, and
// the caller is where it was.
func TestNew(t *testing.T) {
	before, err := os.Readlink("/proc/self/ns/net")
	must(t, err)
	seen := map[int]bool{}
	for _, o := range []Options{{}, {Credentials: true}} {
		netns, err := New(o)
		must(t, err)
		t.Cleanup(func() { unix.Close(netns) })
		if changed, err := Block(netns, o); err != nil || changed {
			t.Errorf("%+v: Block found something to do: %v, %v", o, changed, err)
		}
		if changed, err := Block(netns, Options{Credentials: true}); err != nil || changed == o.Credentials {
			t.Errorf("%+v: blocking more changed it: %v, %v", o, changed, err)
		}
		if same, err := SameNetnsPath(netns, "/proc/self/ns/net"); err != nil || same {
			t.Errorf("it is the caller's own: %v, %v", same, err)
		}
		seen[netns] = true
	}
	if after, err := os.Readlink("/proc/self/ns/net"); err != nil || after != before {
		t.Errorf("the caller was in %s and is in %s, %v", before, after, err)
	}
	if len(seen) != 2 {
		t.Errorf("descriptors %v", seen)
	}
}
