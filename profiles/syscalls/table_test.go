// SPDX-License-Identifier: Apache-2.0

package syscalls

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTableIsSortedAndWhole(t *testing.T) {
	if !slices.IsSortedFunc(Table, func(a, b Syscall) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted by name")
	}
	since := regexp.MustCompile(`^\d\.\d+$`)
	for i := range Table {
		s := &Table[i]
		if i > 0 && s.Name == Table[i-1].Name {
			t.Errorf("%s: listed twice", s.Name)
		}
		if s.AMD64 == none && s.ARM64 == none {
			t.Errorf("%s: no number at all", s.Name)
		}
		if (s.Class == Filter) != (len(s.Rules) > 0) {
			t.Errorf("%s: rules without class Filter, or the other way round", s.Name)
		}
		if len(s.Refuse) > 0 && s.Class != Filter {
			t.Errorf("%s: refusals without class Filter", s.Name)
		}
		if (s.Class == Allow) != (s.Reason == "") {
			t.Errorf("%s: a call that is not simply allowed needs a reason, and no other has one", s.Name)
		}
		if s.Class == Allow && (s.Caps != 0 || s.Loose) {
			t.Errorf("%s: nothing for a capability to bring back", s.Name)
		}
		if s.Since != "" && !since.MatchString(s.Since) {
			t.Errorf("%s: kernel version %q", s.Name, s.Since)
		}
	}
}

// kernelNumbers reads the number tables that golang.org/x/sys generated from
// the kernel's headers.
func kernelNumbers(t *testing.T, goarch string) map[string]int {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "golang.org/x/sys/unix").Output()
	if err != nil {
		t.Fatalf("find golang.org/x/sys/unix: %v", err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(out)), "zsysnum_linux_"+goarch+".go"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := regexp.MustCompile(`^\tSYS_(\w+)\s+= (\d+)$`)
	numbers := map[string]int{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if m := line.FindStringSubmatch(sc.Text()); m != nil {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				t.Fatal(err)
			}
			numbers[strings.ToLower(m[1])] = n
		}
	}
	delete(numbers, "arch_specific_syscall") // a base (244), not a call
	if len(numbers) < 300 {
		t.Fatalf("only %d numbers read", len(numbers))
	}
	return numbers
}

func TestTableHasEveryNumber(t *testing.T) {
	for _, goarch := range []string{"amd64", "arm64"} {
		want := kernelNumbers(t, goarch)
		for i := range Table {
			s := &Table[i]
			n, ok := s.Number(goarch)
			w, listed := want[s.Name]
			if ok != listed || ok && n != w {
				t.Errorf("%s on %s: number %d (%t), the kernel has %d (%t)", s.Name, goarch, n, ok, w, listed)
			}
			delete(want, s.Name)
		}
		for name, n := range want {
			t.Errorf("%s (%d on %s) is not classified", name, n, goarch)
		}
	}
}

// TestCounts holds the sizes that the project promises for a container without
// capabilities.
func TestCounts(t *testing.T) {
	var allowed, filtered int
	for i := range Table {
		if _, ok := Table[i].Number("amd64"); !ok {
			continue
		}
		switch Table[i].At(0) {
		case Allow:
			allowed++
		case Filter:
			filtered++
		}
	}
	t.Logf("amd64: %d allowed, %d filtered, %d in all", allowed, filtered, allowed+filtered)
	if allowed > 230 || allowed+filtered > 260 {
		t.Errorf("%d allowed and %d filtered calls; the limits are 230, and 260 in all", allowed, filtered)
	}
}

// TestCover checks that the cubes of every rule set hold exactly the declared
// values, at all their corners, and that none is superfluous.
func TestCover(t *testing.T) {
	for i := range Table {
		s := &Table[i]
		type when struct {
			caps  Caps
			level Level
		}
		groups := map[when][][]Cond{}
		for _, r := range s.Rules {
			w := when{r.Caps, r.Level}
			groups[w] = append(groups[w], r.Conds)
		}
		for caps, alternatives := range groups {
			cubes := Cover(alternatives)
			on := cubesOf(alternatives)
			if rest := subtract(on, cubes); len(rest) > 0 {
				t.Errorf("%s (%v): %d values sets are missing, first %+v", s.Name, caps, len(rest), rest[0])
			}
			if rest := subtract(cubes, on); len(rest) > 0 {
				t.Errorf("%s (%v): %d value sets too many, first %+v", s.Name, caps, len(rest), rest[0])
			}
			for k := range cubes {
				others := slices.Delete(slices.Clone(cubes), k, k+1)
				if len(subtract(cubes[k:k+1], others)) == 0 {
					t.Errorf("%s (%v): cube %d is superfluous", s.Name, caps, k)
				}
			}
		}
	}
}

// TestSetOperations checks the cube arithmetic itself by enumeration over a
// small space, since TestCover relies on it.
func TestSetOperations(t *testing.T) {
	mk := func(m0, v0, m1, v1 uint32) Cube {
		return Cube{Mask: [6]uint32{m0, m1}, Val: [6]uint32{v0, v1}}
	}
	cubes := []Cube{
		universe, mk(7, 5, 0, 0), mk(4, 4, 0, 0), mk(3, 1, 7, 2), mk(0, 0, 6, 4), mk(7, 7, 7, 7), mk(5, 1, 1, 1),
	}
	in := func(c Cube, x, y uint32) bool { return x&c.Mask[0] == c.Val[0] && y&c.Mask[1] == c.Val[1] }
	for _, c := range cubes {
		for _, d := range cubes {
			diff := c.minus(d)
			inter, ok := c.intersect(d)
			for x := range uint32(8) {
				for y := range uint32(8) {
					n := 0
					for _, e := range diff {
						if in(e, x, y) {
							n++
						}
					}
					if want := in(c, x, y) && !in(d, x, y); (n == 1) != want || n > 1 {
						t.Fatalf("%v minus %v at %d,%d: in %d parts", c, d, x, y, n)
					}
					if want := in(c, x, y) && in(d, x, y); (ok && in(inter, x, y)) != want {
						t.Fatalf("%v and %v at %d,%d", c, d, x, y)
					}
				}
			}
		}
	}
}

// TestCoverIsRepeatable: go generate must give the same files every time.
func TestCoverIsRepeatable(t *testing.T) {
	alternatives := [][]Cond{{{Arg: 0, Mask: all, In: []uint32{1, 2, 3, 5, 7, 11}}}, {{Arg: 0, Mask: 0xff, In: []uint32{0x20}}, {Arg: 1, Mask: 3, NotIn: []uint32{1}}}}
	if a, b := fmt.Sprint(cover(alternatives)), fmt.Sprint(cover(alternatives)); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
}

// TestCoverIsMinimal proves for each rule set, at both levels that no smaller set of cubes
// exists: it finds as many allowed values as there are cubes, no two of which
// fit into one cube without a refused value.
func TestCoverIsMinimal(t *testing.T) {
	for i := range 2 * len(Table) {
		set := [...]Caps{0, Strict}[i%2]
		i /= 2
		if Table[i].At(set) != Filter {
			continue
		}
		var base [][]Cond
		for _, r := range Table[i].Rules {
			if r.Caps == 0 && counts(r.Caps, r.Level, set) {
				base = append(base, r.Conds)
			}
		}
		cubes := Cover(base)
		off := subtract([]Cube{universe}, cubesOf(base))
		if n := independent(cubes, off, len(cubes)); n < len(cubes) {
			t.Errorf("%s: %d cubes, of which only %d are proved to be needed", Table[i].Name, len(cubes), n)
		}
	}
}

// independent returns the size of a set of values, each in a cube of its own,
// that pairwise share no cube outside off. It stops at enough.
func independent(cubes, off []Cube, enough int) int {
	rng := rand.New(rand.NewPCG(3, 4))
	best := 0
	for range 300 {
		var chosen []Cube
		for _, k := range rng.Perm(len(cubes)) {
			// What only this cube holds, and a value of that.
			own := subtract(cubes[k:k+1], slices.Delete(slices.Clone(cubes), k, k+1))
			for _, part := range own {
				p := point(part, rng)
				if !slices.ContainsFunc(chosen, func(q Cube) bool { return !slices.ContainsFunc(off, span(p, q).overlaps) }) {
					chosen = append(chosen, p)
					break
				}
			}
		}
		if best = max(best, len(chosen)); best >= enough {
			break
		}
	}
	return best
}

// point returns one value of a cube; free bits are mostly zero.
func point(c Cube, rng *rand.Rand) Cube {
	for a := range c.Mask {
		c.Val[a] |= rng.Uint32() & rng.Uint32() & rng.Uint32() &^ c.Mask[a]
		c.Mask[a] = all
	}
	return c
}

// span returns the smallest cube that holds both values.
func span(p, q Cube) Cube {
	for a := range p.Mask {
		p.Mask[a] = ^(p.Val[a] ^ q.Val[a])
		p.Val[a] &= p.Mask[a]
	}
	return p
}
