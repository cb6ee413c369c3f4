// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/ctl/policylint"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
)

// Prepared is an exemption that the whole policy was found good with.
type Prepared struct {
	// Path and Data are the file.
	Path string
	Data []byte
	// Findings are what is to be known about its rule.
	Findings []policylint.Finding
}

// Prepare makes the file of an exemption and tries the policy with it: it must
// be good, and the rule the one that decides about the workload that the
// exemption is for.
func Prepare(e *Exemption, place policy.Place, now time.Time) (*Prepared, error) {
	if err := e.check(now); err != nil {
		return nil, err
	}
	texts, err := place.Texts()
	if err != nil {
		return nil, err
	}
	p := policy.Default()
	if len(texts) > 0 {
		if p, err = policy.Parse(texts...); err != nil {
			return nil, fmt.Errorf("the policy is broken already: %w", err)
		}
	}
	if err := e.free(p, place); err != nil {
		return nil, err
	}
	out := &Prepared{Path: filepath.Join(place.Dir, e.File())}
	if out.Data, err = e.text(p); err != nil {
		return nil, err
	}
	after, err := policy.Parse(sorted(append(texts, policy.Text{Name: out.Path, Data: out.Data}), place)...)
	if err != nil {
		return nil, fmt.Errorf("with it the policy would be broken: %w", err)
	}
	if err := e.decides(after, now); err != nil {
		return nil, err
	}
	for _, f := range policylint.Check(after, now) {
		if f.Rule == e.Name && f.Check != policylint.ExpiresSoon { // that was just asked for
			out.Findings = append(out.Findings, f)
		}
	}
	return out, nil
}

// free refuses names that exist.
func (e *Exemption) free(p *policy.Policy, place policy.Place) error {
	for _, r := range p.Rules {
		if r.Name == e.Name {
			return fmt.Errorf("there is a rule %s: %s, line %d", e.Name, r.File, r.Line)
		}
	}
	if p.Profiles[e.ProfileName()] != nil {
		return fmt.Errorf("there is a profile %s", e.ProfileName())
	}
	old, err := find(place, e.Name)
	if err == nil {
		return fmt.Errorf("%s exists", old)
	}
	if !errors.Is(err, ErrNone) {
		return err
	}
	return nil
}

// sorted puts the files in the order in which their rules are tried: the folder's
// by name, and then the main one.
func sorted(texts []policy.Text, place policy.Place) []policy.Text {
	slices.SortFunc(texts, func(a, b policy.Text) int {
		switch {
		case a.Name == place.File:
			return 1
		case b.Name == place.File:
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return texts
}

// decides makes sure that the rule is the one for the workload.
func (e *Exemption) decides(p *policy.Policy, now time.Time) error {
	if e.Of == nil {
		return nil
	}
	d := p.Decide(e.Of, spec.Map(), now)
	if d.Rule != nil && d.Rule.Name == e.Name {
		return nil
	}
	for _, t := range p.Trials(e.Of, spec.Map(), now) {
		if t.Rule.Name == e.Name && !t.Matched {
			if e.Of.Claimed && !e.Claims {
				return fmt.Errorf("it would be passed over: under %s the names of containers are what whoever starts them says, and prove nothing; --claims accepts them", e.Of.Engine)
			}
			return fmt.Errorf("it would not be for the container: %s", t.Why)
		}
	}
	remedy := "choose a lower --order"
	if m := fileName.FindStringSubmatch(filepath.Base(d.Rule.File)); m != nil {
		remedy = fmt.Sprintf("choose an --order below %s, or take that exemption away (runcladctl exempt remove %s)", m[0][:2], m[1])
	}
	return fmt.Errorf("rule %s (%s, line %d) decides before it: %s", d.Rule.Name, d.Rule.File, d.Rule.Line, remedy)
}

// Place puts the file in place, at once or not at all. It fails if a file of that
// name has come in between.
func (p *Prepared) Place() error {
	dir := filepath.Dir(p.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	// A name that begins with a period is no part of the policy.
	f, err := os.CreateTemp(dir, "."+filepath.Base(p.Path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(p.Data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = unix.Renameat2(unix.AT_FDCWD, f.Name(), unix.AT_FDCWD, p.Path, unix.RENAME_NOREPLACE)
		if err != nil {
			err = &os.PathError{Op: "rename", Path: p.Path, Err: err}
		}
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// ErrNone is wrapped by the error of Remove about an exemption that does not
// exist.
var ErrNone = errors.New("there is no such exemption")

var fileName = regexp.MustCompile(`^[0-9]{2}-exempt-(.+)\.toml$`)

func find(place policy.Place, name string) (string, error) {
	entries, err := os.ReadDir(place.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for _, e := range entries {
		if m := fileName.FindStringSubmatch(e.Name()); m != nil && m[1] == name {
			return filepath.Join(place.Dir, e.Name()), nil
		}
	}
	return "", fmt.Errorf("%s: %w (in %s)", name, ErrNone, place.Dir)
}

// Remove takes the exemption of that name away, and returns its file. It refuses
// where the rest of the policy would be broken without it.
func Remove(place policy.Place, name string) (string, error) {
	file, err := find(place, name)
	if err != nil {
		return "", err
	}
	texts, err := place.Texts()
	if err != nil {
		return "", err
	}
	rest := slices.DeleteFunc(slices.Clone(texts), func(t policy.Text) bool { return t.Name == file })
	if _, broken := policy.Parse(texts...); broken == nil && len(rest) > 0 {
		if _, err := policy.Parse(rest...); err != nil {
			return "", fmt.Errorf("without it the policy would be broken: %w", err)
		}
	}
	return file, os.Remove(file)
}
