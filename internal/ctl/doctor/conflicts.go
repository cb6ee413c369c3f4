// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/identity"
	"github.com/runclad/runclad/internal/policy"
)

// conflicts looks at what else has a say about containers.
func (h *Host) conflicts(a *area) {
	facts := host.Kernel()
	switch {
	case !facts.AppArmor:
		a.ok("AppArmor", "not enabled")
	case len(facts.AppArmorProfiles) == 0:
		a.warn("AppArmor", "let the engine load its default profile (start a container with it once)",
			"enabled, and no engine's default profile is loaded: containers that ask for unconfined, as --privileged does, are refused")
	default:
		a.ok("AppArmor", "enabled, with %s; no_new_privs forbids a change to a profile that allows more, at an execve(2) inside a container", strings.Join(facts.AppArmorProfiles, ", "))
	}
	switch data, err := os.ReadFile("/sys/fs/selinux/enforce"); {
	case !facts.SELinux:
		a.ok("SELinux", "not enabled")
	case err != nil:
		a.unknown("SELinux", err)
	case strings.TrimSpace(string(data)) == "1":
		a.warn("SELinux", "keep container-selinux up to date: its policy allows nnp_transition to container types",
			"enforcing: under no_new_privs a change of domain inside a container needs nnp_transition")
	default:
		a.ok("SELinux", "permissive")
	}
	h.uids(a)
}

// uids holds the policy's range against what the host uses.
func (h *Host) uids(a *area) {
	p, err := policy.System.Read()
	if err != nil {
		p = policy.Default() // the policy has its own finding
	}
	ranges := map[identity.Range][]string{} // whose they are
	for _, name := range slices.Sorted(maps.Keys(p.Profiles)) {
		if profile := p.Profiles[name]; !profile.HandOff {
			r := identity.Range{First: profile.UIDRange[0], Last: profile.UIDRange[1]}
			ranges[r] = append(ranges[r], name)
		}
	}
	byFirst := func(a, b identity.Range) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	}
	for _, r := range slices.SortedFunc(maps.Keys(ranges), byFirst) {
		whose := "uid_range of every profile"
		if len(ranges) > 1 {
			whose = "uid_range of " + strings.Join(ranges[r], ", ")
		}
		used, err := identity.Reserved(identity.HostPaths, identity.Ranges{r})
		if err != nil {
			a.unknown("UIDs", err)
			continue
		}
		free := uint64(r.Last) - uint64(r.First) + 1
		var texts []string
		for _, u := range used {
			first, last := max(u.First, r.First), min(u.Last, r.Last)
			free -= uint64(last) - uint64(first) + 1
			texts = append(texts, identity.Range{First: first, Last: last}.String())
		}
		const remedy = "choose another uid_range in the policy"
		switch {
		case free < 1000:
			a.problem("UIDs", remedy, "%s: only %d of %s are not used by the host", whose, free, r)
		case len(used) > 0:
			a.warn("UIDs", remedy+", or leave it: they are passed over", "%s: the host uses %s of %s", whose, strings.Join(texts, ", "), r)
		default:
			a.ok("UIDs", "%s: the host uses none of %s", whose, r)
		}
	}
}

// time: audit lines and expiries of exemptions are only as good as the clock.
func (h *Host) time(a *area) {
	var tx unix.Timex
	state, err := unix.Adjtimex(&tx)
	now := time.Now()
	switch {
	case now.Year() < 2026:
		a.problem("clock", "set the clock", "it says %s", now.UTC().Format(time.RFC3339))
	case err != nil:
		a.unknown("clock", err)
	case state == unix.TIME_ERROR || tx.Status&unix.STA_UNSYNC != 0:
		a.warn("clock", "run chrony or systemd-timesyncd; audit lines carry this clock's time", "%s, and the kernel does not count it as synchronised", now.UTC().Format(time.RFC3339))
	default:
		a.ok("clock", "%s, synchronised", now.UTC().Format(time.RFC3339))
	}
}
