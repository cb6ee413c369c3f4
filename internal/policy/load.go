// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/profiles"
)

// File is where the policy is read from.
const File = control.PolicyFile

// ErrPolicy is wrapped by every error about the policy file.
var ErrPolicy = errors.New("policy")

// Load reads the policy file; the built-in defaults hold where there is none,
// and for each key that it leaves out. A file that someone else than root could
// write, or that holds anything unknown, is an error: creates are refused until
// it is mended.
func Load(file string) (*Policy, error) {
	f, err := spec.ReadFile(file)
	if errors.Is(err, unix.ENOENT) {
		return Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	if uid, mode := f.Owner(); uid != 0 || mode&0o022 != 0 {
		return nil, fmt.Errorf("%w: %s: is owned by UID %d with mode %04o; it must be root's and writable by root alone (chown root %s; chmod go-w %s)", ErrPolicy, file, uid, mode, file, file)
	}
	p, err := Parse(f.Data())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrPolicy, file, err)
	}
	p.Source = file
	return p, nil
}

// Parse reads a policy. Errors name the line.
func Parse(data []byte) (*Policy, error) {
	p := Default()
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, explain(err)
	}
	for name, prof := range p.Profiles {
		if name != "default" {
			return nil, fmt.Errorf("profile.%s: the profile that containers get is named default", name)
		}
		prof.Name = name
		if err := prof.check(); err != nil {
			return nil, fmt.Errorf("profile.%s: %w", name, err)
		}
	}
	if err := oneOf("audit", p.Audit, "required", "best-effort"); err != nil {
		return nil, err
	}
	return p, nil
}

func explain(err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := unknown.Errors[0]
		line, _ := e.Position()
		return fmt.Errorf("line %d: unknown key %q", line, strings.Join(e.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	return err
}

func (p *Profile) check() error {
	for _, lists := range [...]struct {
		key   string
		paths []string
	}{{"host_paths", p.HostPaths}, {"devices", p.Devices}, {"hooks", p.Hooks}} {
		for _, s := range lists.paths {
			if !path.IsAbs(s) || path.Clean(s) != s {
				return fmt.Errorf("%s: %q must be an absolute path without . or .. and without a slash at its end", lists.key, s)
			}
		}
	}
	for i, c := range p.Capabilities {
		name := "CAP_" + strings.TrimPrefix(strings.ToUpper(c), "CAP_")
		if profiles.Capability(name) < 0 {
			return fmt.Errorf("capabilities: %q is no capability (capabilities(7))", c)
		}
		p.Capabilities[i] = name
	}
	if p.UIDRange[0] <= 10000 || p.UIDRange[1] <= p.UIDRange[0] || p.UIDRange[1] >= 1<<32-2 {
		return fmt.Errorf("uid_range: [%d, %d] must lie above 10000, first before last", p.UIDRange[0], p.UIDRange[1])
	}
	if p.TmpfsSize < 4096 {
		return fmt.Errorf("tmpfs_size: %d bytes is less than a page", p.TmpfsSize)
	}
	if p.PidsLimit < 1 {
		return fmt.Errorf("pids_limit: %d must be at least 1", p.PidsLimit)
	}
	return errors.Join(
		oneOf("metadata", p.Metadata, "block", "allow"),
		oneOf("task_credentials", p.TaskCredentials, "block", "allow"),
		oneOf("identity", p.Identity, "random", "root-in-userns"),
		oneOf("seccomp", p.Seccomp, "default", "strict", "engine"),
	)
}

func oneOf(key, have string, want ...string) error {
	for _, w := range want {
		if have == w {
			return nil
		}
	}
	return fmt.Errorf("%s: %q is none of %s", key, have, strings.Join(want, ", "))
}
