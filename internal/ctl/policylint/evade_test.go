// SPDX-License-Identifier: Apache-2.0

package policylint

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/runclad/runclad/internal/policy"
)

// A claim that keeps a stricter rule away is warned of, with what it gives.
func TestEvasion(t *testing.T) {
	const front = "match.label.tier = \"front\""
	for name, tt := range map[string]struct{ text, want string }{
		"label":        {rule("a", front) + rule("b", "match.engine = \"docker\"\nprofile = \"strict\""), "label tier, which whoever starts a container chooses, and comes before rule b (p.toml, line 7), which is stricter (credentials, seccomp, tmpfs_size, host_binds, task_credentials, pids_limit)"},
		"annotation":   {rule("a", "match.annotation.k = \"*\"") + rule("b", "match.namespace = \"pay\"\nprofile = \"strict\""), "annotation k"},
		"refused":      {rule("a", front) + rule("b", "match.image = \"*miner*\"\nmode = \"refuse\""), "(it refuses)"},
		"not the next": {rule("a", front) + rule("b", "match.engine = \"docker\"\nmatch.container = \"x\"") + rule("c", "match.engine = \"docker\"\nprofile = \"strict\""), "rule c"},
		"names":        {rule("a", "match.pod = \"x\"") + rule("b", "match.engine = \"podman\"\nprofile = \"strict\""), "names that Podman"},
		"overlapping":  {rule("a", front+"\nmatch.image = \"a*\"") + rule("b", "match.image = \"*z\"\nprofile = \"strict\""), "rule b"},
		"everybody":    {"[profile.default]\nimages = [\"registry.example.com/*\"]\n[profile.mine]\nimages = []\n" + rule("a", front+"\nprofile = \"mine\""), "what holds for those that no rule is for, which is stricter (images)"},
		"another list": {"[profile.default]\nimages = [\"a/*\"]\n[profile.mine]\nimages = [\"b/*\"]\n" + rule("a", front+"\nprofile = \"mine\""), "(images)"},
	} {
		if got := strings.Join(check(t, tt.text), "\n"); !strings.Contains(got, "evades p.toml:") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: it lacks %q: %s", name, tt.want, got)
		}
	}
}

func TestNoEvasion(t *testing.T) {
	const front, strict = "match.label.tier = \"front\"", "profile = \"strict\""
	for name, text := range map[string]string{
		"behind":          rule("b", "match.engine = \"docker\"\n"+strict) + rule("a", front+"\nmatch.engine = [\"docker\", \"cri\"]\nmatch.container = \"x\""),
		"the stricter":    rule("a", front+"\n"+strict) + rule("b", "match.engine = \"docker\""),
		"equal":           rule("a", front) + rule("b", "match.engine = \"docker\""),
		"refuses":         rule("a", front+"\nmode = \"refuse\"") + rule("b", "match.engine = \"docker\"\n"+strict),
		"other engine":    rule("a", front) + rule("b", "match.engine = \"cri\"\n"+strict),
		"other namespace": rule("a", "match.annotation.k = \"v\"\nmatch.namespace = \"a-*\"") + rule("b", "match.namespace = \"b-*\"\n"+strict),
		"both are claims": rule("a", front) + rule("b", "match.label.x = \"y\"\n"+strict),
		"proven names":    rule("a", "match.engine = \"cri\"\nmatch.pod = \"x\"") + rule("b", "match.engine = \"cri\"\n"+strict),
		"claimed both":    rule("a", "match.engine = \"podman\"\nmatch.image = \"x\"") + rule("b", "match.engine = \"podman\"\nmatch.image = \"*\"\n"+strict),
		"own namespace":   rule("a", "match.engine = \"containerd\"\nmatch.namespace = \"x\"") + rule("b", "match.engine = \"containerd\"\n"+strict),
		"sandboxes":       rule("a", "match.annotation.k = \"v\"\nmatch.sandbox = false") + rule("b", "match.sandbox = true\n"+strict),
		"nobody's":        "[profile.default]\nimages = [\"a/*\"]\n[profile.mine]\nimages = []\n" + rule("a", front+"\nprofile = \"mine\"") + "[[rule]]\nname = \"all\"\nprofile = \"mine\"\n",
		"narrower list":   "[profile.default]\nimages = [\"a/*\"]\n[profile.mine]\nimages = [\"a/b\"]\n" + rule("a", front+"\nprofile = \"mine\""),
	} {
		for _, w := range check(t, text) {
			if strings.HasPrefix(w, "evades ") {
				t.Errorf("%s: %s", name, w)
			}
		}
	}
}

// Each key of a profile is one that loosens, by which it has a warning of its
// own, or one in which laxer sees the stricter of two.
func TestLaxerKnowsEveryKey(t *testing.T) {
	stricter := map[string]any{
		"images": []string{"a"}, "credentials": "refuse", "seccomp": "strict", "tmpfs_size": int64(4096),
		"host_binds": "read-only", "task_credentials": "block", "pids_limit": int64(1),
	}
	loosens := []string{
		"identity", "capabilities", "new_privileges", "unconfined", "writable_rootfs", "writable", "exec", "volumes", "host_paths", "mount_types",
		"shared_mounts", "writable_kernel_filesystems", "unmasked", "host_network", "host_pid", "host_ipc", "host_uts", "devices", "sysctls",
		"annotations", "hooks", "metadata", "priority", "restore", "exec_unrecorded",
	}
	for f := range reflect.TypeFor[policy.Profile]().Fields() {
		key := f.Tag.Get("toml")
		if key == "-" || key == "base" || key == "uid_range" || slices.Contains(loosens, key) {
			continue
		}
		value, known := stricter[key]
		if !known {
			t.Errorf("%s is new: does it loosen, or tighten?", key)
			continue
		}
		was, than := policy.Default().Profile(), *policy.Default().Profile()
		reflect.ValueOf(&than).Elem().FieldByIndex(f.Index).Set(reflect.ValueOf(value))
		if got := laxer(was, &than); !slices.Equal(got, []string{key}) {
			t.Errorf("%s: %q", key, got)
		}
		if got := laxer(&than, was); len(got) > 0 {
			t.Errorf("the stricter %s is laxer: %q", key, got)
		}
	}
	seccomp := func(level string) *policy.Profile {
		p := *policy.Default().Profile()
		p.Seccomp = level
		return &p
	}
	for _, pair := range [][2]string{{"default", "engine"}, {"engine", "strict"}, {"strict", "engine"}} {
		if len(laxer(seccomp(pair[0]), seccomp(pair[1]))) == 0 {
			t.Errorf("%s refuses all that %s does", pair[0], pair[1])
		}
	}
}
