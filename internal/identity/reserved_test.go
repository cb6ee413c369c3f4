// SPDX-License-Identifier: Apache-2.0

package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func write(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestDefaultRange(t *testing.T) {
	if got, err := ParseRange(DefaultRange.String()); err != nil || got != DefaultRange {
		t.Errorf("%v, %v", got, err)
	}
	podman := Paths{SubUID: write(t, "containers:2147483647:2147483648\n"), SubGID: "/nonexistent"}
	if got, err := Reserved(podman, Ranges{DefaultRange}); err != nil || len(got) > 0 {
		t.Errorf("in use: %v, %v", got, err)
	}
}

func TestParseRange(t *testing.T) {
	for _, bad := range []string{"", "1-2", "20000", "20000-", "20001-20000", "20001-4294967295", "20001-4294967296", "+20001-20002", "20001-20002-3", " 20001-20002"} {
		if r, err := ParseRange(bad); err == nil {
			t.Errorf("%q: %v", bad, r)
		}
	}
}

func TestReserved(t *testing.T) {
	within := Ranges{{20000, 30000}}
	long := strings.Repeat("x", 200000)
	for name, c := range map[string]struct {
		passwd, group, subuid, subgid string
		want                          Ranges
		err                           string
	}{
		"nothing":          {},
		"user and its gid": {passwd: "a:x:20005:20007::/:\n", want: Ranges{{20005, 20005}, {20007, 20007}}},
		"gid elsewhere":    {passwd: "a:x:1:20007:20008:/:\n", want: Ranges{{20007, 20007}}},
		"group":            {group: "g:x:20009:20010\n", want: Ranges{{20009, 20009}}},
		"outside":          {passwd: "a:x:19999:30001::/:\n", subuid: "a:100000:65536\n"},
		"no final newline": {passwd: "a:x:0:0::/:\nb:x:20001:1::/:", want: Ranges{{20001, 20001}}},
		"odd lines":        {passwd: "\n+::::::\n#20003:x:20003\nx\n:::\nb:x:20001x:1\nb:x:99999999999999999999:20002\n", want: Ranges{{20002, 20003}}},
		"long line":        {passwd: "a:" + long + ":20003:1::/:\nb:x:20004:1:" + long + "\n", want: Ranges{{20003, 20004}}},
		"subuid":           {subuid: "# c\n\na:20000:10\nb:20005:20\n", subgid: "c:29999:65536\n", want: Ranges{{20000, 20024}, {29999, 95534}}},
		"subuid to end":    {subuid: "a:20000:4294967295\nb:1:18446744073709551615", err: "line 2"},
		"overflow":         {subuid: "a:29000:4294967295\n", want: Ranges{{29000, 4294967295}}},
		"zero":             {subuid: "a:20000:0\n"},
		"malformed first":  {subuid: "a:20000:1\na:x:10\n", err: "line 2"},
		"malformed count":  {subgid: "a:100:x\n", err: "line 1"},
		"beyond":           {subuid: "a:30001:x\n"},
		"no colon":         {subuid: "hello\n", err: "line 1"},
		"negative":         {subuid: "a:-5:10\n", err: "line 1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Reserved(Paths{write(t, c.passwd), write(t, c.group), write(t, c.subuid), write(t, c.subgid)}, within)
			if c.err == "" && (err != nil || len(got)+len(c.want) > 0 && !reflect.DeepEqual(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	if got, err := Reserved(Paths{Passwd: "/nonexistent"}, within); err != nil || len(got) > 0 {
		t.Errorf("without files: %v, %v", got, err)
	}
	for _, odd := range []string{"/dev/null", "/dev", "/dev/null/x"} {
		if _, err := Reserved(Paths{SubUID: odd}, within); err == nil {
			t.Errorf("%s was read", odd)
		}
	}
	got, err := Reserved(Paths{}, Ranges{{10001, 100000}, {1000000, 1000001}})
	if want := (Ranges{{60001, 60705}, {61184, 65519}, {65534, 65535}, {524288, 1879048191}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("static ranges: %v, %v", got, err)
	}
}

func TestCandidates(t *testing.T) {
	host := Paths{Passwd: write(t, "a:x:100500:100501::/:\n"), SubUID: write(t, "me:20010:5\n")}
	type maps = []Mapping
	for name, c := range map[string]struct {
		r          Range
		uids, gids maps
		want       []segment
		err        string
	}{
		"range":            {r: Range{20000, 20020}, want: []segment{{20000, 20000, 20000, 10}, {20015, 20015, 20015, 6}}},
		"range clipped":    {r: Range{1, 10002}, want: []segment{{10001, 10001, 10001, 2}}},
		"range too low":    {r: Range{1, 10000}, err: "below 10001"},
		"range in use":     {r: Range{20010, 20014}, err: "every ID"},
		"whole mapping":    {uids: maps{{0, 200000, 65536}}, gids: maps{{0, 400000, 65536}}, want: []segment{{10001, 210001, 410001, 55533}}},
		"host users":       {uids: maps{{0, 90000, 10510}}, gids: maps{{0, 90000, 10510}}, want: []segment{{10001, 100001, 100001, 499}, {10502, 100502, 100502, 8}}},
		"only small IDs":   {uids: maps{{0, 200000, 3}}, gids: maps{{0, 200000, 3}}, want: []segment{{1, 200001, 200001, 2}}},
		"overlap":          {uids: maps{{0, 0, 1}, {20000, 200000, 10}}, gids: maps{{20005, 300000, 10}}, want: []segment{{20005, 200005, 300000, 5}}},
		"no overlap":       {uids: maps{{20000, 200000, 5}}, gids: maps{{20005, 300000, 5}}, err: "maps no ID"},
		"one ID":           {uids: maps{{0, 100000, 1}}, gids: maps{{0, 100000, 1}}, err: "maps no ID"},
		"low on host":      {uids: maps{{20000, 500, 100}}, gids: maps{{20000, 500, 100}}, err: "maps no ID"},
		"gids missing":     {uids: maps{{0, 100000, 65536}}, err: "maps no ID"},
		"empty mapping":    {uids: maps{{0, 100000, 0}}, gids: maps{{0, 1, 1}}, err: "empty, or past"},
		"past the last":    {uids: maps{{0, 4294967290, 7}}, gids: maps{{0, 1, 1}}, err: "empty, or past"},
		"identity mapping": {uids: maps{{0, 0, 4294967295}}, gids: maps{{0, 0, 4294967295}}, want: []segment{{10001, 10001, 10001, 55533}, {65536, 65536, 65536, 34964}, {100502, 100502, 100502, 4294866793}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := candidates(c.r, host, c.uids, c.gids)
			if c.err == "" && (err != nil || !reflect.DeepEqual(got, c.want)) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

// Every candidate is reached, none twice, and random stays among them.
func TestPick(t *testing.T) {
	p := newPick([]segment{{1, 11, 21, 2}, {5, 5, 5, 1}})
	seen := map[Identity]bool{}
	for i := range p.total {
		seen[p.nth(i)] = true
	}
	if len(seen) != 3 || !seen[Identity{2, 2, 12, 22, false}] || !seen[Identity{5, 5, 5, 5, false}] {
		t.Errorf("%v", seen)
	}
	count := map[Identity]int{}
	for range 3000 {
		id, err := p.random()
		if err != nil || !seen[id] {
			t.Fatalf("%v, %v", id, err)
		}
		count[id]++
	}
	for id, n := range count {
		if n < 800 || n > 1200 { // seven standard deviations
			t.Errorf("%v came %d times of 3000", id, n)
		}
	}
}

func FuzzReserved(f *testing.F) {
	f.Add("a:x:20005:20007::/:\n", "a:20000:10\n")
	f.Add("+::\n", "a:1:x")
	f.Fuzz(func(t *testing.T, passwd, subuid string) {
		within := Ranges{{20000, 30000}}
		got, err := Reserved(Paths{Passwd: write(t, passwd), SubUID: write(t, subuid)}, within)
		if err != nil {
			return
		}
		for i, r := range got {
			if r.First > r.Last || !r.overlaps(within[0]) || i > 0 && r.First <= got[i-1].Last+1 {
				t.Errorf("%v", got)
			}
			if !got.Has(r.First) || !got.Has(r.Last) || r.First > 0 && got.Has(r.First-1) {
				t.Errorf("Has disagrees with %v", got)
			}
		}
	})
}

func BenchmarkReservedHost(b *testing.B) {
	for b.Loop() {
		if _, err := Reserved(HostPaths, Ranges{DefaultRange}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReserved100k(b *testing.B) {
	var s strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&s, "user%d:x:%d:%d:User %d,,,:/home/user%d:/bin/bash\n", i, i, i, i, i)
	}
	paths := Paths{Passwd: write(b, s.String())}
	for b.Loop() {
		if _, err := Reserved(paths, Ranges{DefaultRange}); err != nil {
			b.Fatal(err)
		}
	}
}
