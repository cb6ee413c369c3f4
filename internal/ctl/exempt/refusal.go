// SPDX-License-Identifier: Apache-2.0

package exempt

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/workload"
)

// Latest names the newest refusal, whoever's it is.
const Latest = "latest"

// Refusal returns the newest line of the log that refuses a container, or says
// that mode enforce would have, by a beginning of its ID, its name, or Latest.
func Refusal(files []auditlog.File, name string) (*auditlog.Entry, error) {
	f := auditlog.Filter{Decision: []string{audit.Refused, audit.Audited}}
	if name != Latest {
		f.Container = []string{name}
	}
	var found *auditlog.Entry
	err := auditlog.Each(files, func(l auditlog.Line) error {
		if f.Match(&l) && len(l.Entry.RefusedBy()) > 0 && (found == nil || !l.Entry.Time.Before(found.Time)) {
			found = l.Entry
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case found == nil && name == Latest:
		return nil, fmt.Errorf("the audit log holds no refusal")
	case found == nil:
		return nil, fmt.Errorf("the audit log holds no refusal of container %s", name)
	case !found.Creates():
		return nil, fmt.Errorf("the newest refusal of container %s is one of %s, which no rule of the policy decides: %s", name, found.Verb, found.Reason)
	}
	return found, nil
}

// FromRefusal takes over what a refusal tells: whose it was and, where no profile
// is to be given, the lines that would let the container pass. There has to be
// one for each reason against it.
func (e *Exemption) FromRefusal(l *auditlog.Entry) error {
	if e.Profile == "" {
		if n := strings.Count(l.Reason, "; to allow it, put "); len(l.Allow) == 0 || n < len(l.RefusedBy()) {
			return fmt.Errorf("not everything against it can be allowed by a line of a profile; mend the container, or give it a profile: %s", l.Reason)
		}
		e.Allow, e.Base = append(e.Allow, l.Allow...), l.Profile
	}
	e.Of = &workload.Workload{
		Engine: l.Engine, Namespace: l.Namespace, Pod: l.Pod, Name: l.Name, Image: l.Image, ImageID: l.ImageID, Sandbox: l.Sandbox, Claimed: claimed(l.Engine),
	}
	e.matchOf(e.Of)
	return nil
}

// generated are names that an engine or a controller made up: Docker's
// adjective_surname, and the ending that Kubernetes puts to the pods of a
// Deployment or DaemonSet.
var (
	generatedName = regexp.MustCompile(`^[a-z]+_[a-z]+[0-9]?$`)
	generatedPod  = regexp.MustCompile(`^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5}$`)
)

// matchOf fills in what the caller left open, as narrowly as the workload can be
// named.
func (e *Exemption) matchOf(w *workload.Workload) {
	m := &e.Match
	set := func(key *[]string, value string) {
		if len(*key) == 0 && value != "" {
			*key = []string{value}
		}
	}
	set(&m.Engine, w.Engine)
	set(&m.Namespace, w.Namespace)
	set(&m.Pod, w.Pod)
	if w.Pod != "" && slices.Equal(m.Pod, []string{w.Pod}) {
		if stem := generatedPod.FindStringSubmatch(w.Pod); stem != nil {
			e.note("the name of pod %s looks generated, and the next one has another: --pod '%s-*' would match it too", w.Pod, stem[1])
		}
	}
	if w.Namespace+w.Pod+w.Name+w.Image+w.ImageID == "" {
		e.note("nothing is known of the container but its engine: the rule is for every one of %s", w.Engine)
	}
	if w.Sandbox {
		e.note("it is the pause container that was refused: the rule is for every container of the pod, which shares its namespaces")
		return
	}
	if w.Engine == workload.Docker && generatedName.MatchString(w.Name) {
		e.note("the name of container %s looks generated, and is left out", w.Name)
	} else {
		set(&m.Container, w.Name)
	}
	if w.ImageID != "" {
		set(&m.Image, w.ImageID)
	} else {
		set(&m.Image, w.Image)
	}
}

// claimed are the engines that pass on the names that whoever starts a container
// chose.
func claimed(engine string) bool {
	switch engine {
	case workload.Podman, workload.CRIO, workload.Containerd:
		return true
	}
	return false
}
