// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"fmt"
	"strings"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/policy"
)

// consult asks the policy what is to be done with the container: which rule is
// for it, which profile it gets, and whether the rule lets it run at all.
func (s *shim) consult() error {
	if err := s.loadPolicy(); err != nil {
		return err
	}
	s.decision = s.policy.Decide(&s.workload, s.doc.Get("annotations"), s.began)
	s.notes = append(s.notes, s.decision.Notes...)
	if s.decision.Mode == policy.ModeRefuse {
		return control.Refuse(control.Rules, "", "%s", s.decision.Rule.Refusal())
	}
	s.profile = s.decision.Profile
	return nil
}

// admit judges what the container brings besides its specification: requests
// of its own, its image, its environment.
func (s *shim) admit() error {
	profile, err := s.decision.Request(s.doc.Get("annotations"))
	if err != nil {
		return err
	}
	s.profile = profile
	if names := s.workload.ImageNames(); !profile.AllowsImage(names) && !s.workload.Sandbox {
		return s.refuse(control.Images, imageLine(names), "the image %s is not among those that may run", imageOf(names))
	}
	return s.credentials()
}

// loadPolicy reads the policy, or its compiled form from the run state. Explain
// brings its own.
func (s *shim) loadPolicy() error {
	if s.policy != nil {
		return nil
	}
	if err := s.openStore(); err != nil {
		return err
	}
	p, notes, err := policy.System.Load(s.store.Dir())
	if err != nil {
		return err
	}
	s.policy = p
	s.notes = append(s.notes, notes...)
	return nil
}

// refuse makes a refusal whose line belongs under the container's profile.
func (s *shim) refuse(c control.Control, allow, format string, args ...any) error {
	r := control.Refuse(c, allow, format, args...)
	r.Profile = s.profile.Name
	return r
}

func imageOf(names []string) string {
	if len(names) == 0 {
		return "(which the engine does not tell)"
	}
	return names[0]
}

func imageLine(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("images = [%q]", names[0])
}

// credentials looks for environment variables that are named like one that holds
// a credential. Only the name is told, never the value.
func (s *shim) credentials() error {
	if s.profile.Credentials == "ignore" {
		return nil
	}
	names := policy.CredentialNames(s.doc.Get("process", "env").Strs())
	switch {
	case len(names) == 0:
		return nil
	case s.profile.Credentials == "refuse":
		return s.refuse(control.Credentials, `credentials = "warn"`,
			"the environment holds what looks like a credential (%s), which every process of the container and whoever may inspect it can read; a file is the place for it", strings.Join(names, ", "))
	}
	s.note("the environment holds what looks like a credential: %s", strings.Join(names, ", "))
	return nil
}
