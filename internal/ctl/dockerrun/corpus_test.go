// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/runclad/runclad/internal/ctl/enginespec/corpus"
)

// scenarios are calls of docker run, and what a real dockerd (20.10) made of
// them.
var scenarios = map[string]string{
	"01-run-rm":                     `--rm|bed|sh|-c|echo hi; id`,
	"02-run-d-exec":                 `-d|bed|sleep|300`,
	"03-privileged":                 `--rm|--privileged|bed|sh|-c|grep Cap /proc/self/status`,
	"04-read-only":                  `--rm|--read-only|--tmpfs|/run|bed|sh|-c|touch /x; echo rc=$?`,
	"05-volumes":                    `--rm|-v|/srv/engine/vol:/v:ro|--mount|type=bind,source=/srv/engine/vol,target=/m,bind-propagation=rslave|-v|named:/n|-v|/srv/engine/vol:/w:rshared|bed|sh|-c|cat /v/f; mount \| grep vda \| head`,
	"05b-dockersock":                `--rm|-v|/srv/engine/dockerd2/docker.sock:/var/run/docker.sock|-v|/:/host|-v|/proc:/hproc|-v|/etc:/hetc:ro|bed|ls|/host`,
	"06-net-host":                   `--rm|--net=host|bed|readlink|/proc/self/ns/net`,
	"07-pid-host":                   `--rm|--pid|host|bed|sh|-c|ls /proc \| head -3`,
	"08-ipc-uts-host":               `--rm|--ipc=host|--uts=host|bed|true`,
	"09-tty":                        `--rm|-t|bed|sh|-c|tty; stty size`,
	"10-capadd":                     `--rm|--cap-add|SYS_ADMIN|--cap-drop|CHOWN|bed|grep|Cap|/proc/self/status`,
	"10b-capaddall":                 `--rm|--cap-add|ALL|bed|grep|Cap|/proc/self/status`,
	"10c-capsysresource":            `--rm|--cap-add=CAP_SYS_RESOURCE|bed|grep|Cap|/proc/self/status`,
	"10d-capdropall":                `--rm|--cap-drop|all|bed|grep|Cap|/proc/self/status`,
	"11-seccomp-unconfined":         `--rm|--security-opt|seccomp=unconfined|--security-opt|no-new-privileges|bed|grep|-E|Seccomp\|NoNew|/proc/self/status`,
	"12-device":                     `--rm|--device|/dev/null:/dev/xnull|--device-cgroup-rule|c 10:200 rwm|bed|ls|-la|/dev/xnull`,
	"13-resources":                  `--rm|-m|64m|--memory-swap|128m|--cpus|0.5|--cpuset-cpus|0|--pids-limit|100|--shm-size|8m|--oom-score-adj|500|--ulimit|nofile=1024:2048|bed|sh|-c|cat /proc/self/cgroup; ulimit -n`,
	"13b-ulimit-raise":              `--rm|--ulimit|nofile=1048576|bed|sh|-c|ulimit -n`,
	"14-user":                       `--rm|-u|1000:1000|--group-add|5|-w|/tmp|-e|FOO=bar|bed|sh|-c|id; hostname`,
	"15-sysctl":                     `--rm|--sysctl|net.ipv4.ip_forward=1|bed|cat|/proc/sys/net/ipv4/ip_forward`,
	"16-init":                       `--rm|--init|bed|ps`,
	"17-noent":                      `--rm|bed|/nope`,
	"21-tmpfs-mount-masked":         `--rm|--tmpfs|/t:size=1m|--security-opt|systempaths=unconfined|bed|mount`,
	"22-oom":                        `--rm|--memory=8m|bed|sh|-c|dd if=/dev/zero of=/dev/null bs=64M count=1`,
	"25-privileged-pidhost-nethost": `--rm|--privileged|--pid=host|--network=host|-v|/:/host|bed|sh|-c|ls /dev \| wc -l`,
	"26-tty-detached":               `-dit|bed|sh`,
	"28-ambient-nnp":                `--rm|-u|1000|--cap-add|NET_RAW|bed|grep|Cap|/proc/self/status`,
	"40-bridge":                     `--rm|bed|ip|-4|-o|addr`,
	"41-publish":                    `-d|-p|8080:80|bed|sh|-c|mkdir -p /www; echo ok > /www/index.html; httpd -f -p 80 -h /www`,
}

func arguments(text string) []string {
	const bar = "\x00"
	var out []string
	for a := range strings.SplitSeq(strings.ReplaceAll(text, `\|`, bar), "|") {
		out = append(out, strings.ReplaceAll(a, bar, "|"))
	}
	return out
}

// busybox is the image of the captures.
func busybox() *Image {
	i := &Image{}
	i.Config.Env = []string{"PATH=/bin:/usr/bin"}
	i.Config.Cmd = []string{"sh"}
	return i
}

// judged is what runclad judges of a specification, in a form in which the two
// can be compared: without the names of the daemon's folders and of the
// container, and without what a later dockerd does otherwise.
func judged(t *testing.T, s *specs.Spec) map[string]any {
	t.Helper()
	neutral := func(p string) string {
		for _, root := range []string{"/srv/engine/dockerd2/data", DataRoot} {
			if rest, ok := strings.CutPrefix(p, root+"/"); ok {
				parts := strings.Split(rest, "/")
				for i, part := range parts {
					if len(part) == 64 {
						parts[i] = "ID"
					}
				}
				return "DATA/" + strings.Join(parts, "/")
			}
		}
		return p
	}
	out := map[string]any{}
	for _, m := range s.Mounts {
		options := slices.Sorted(slices.Values(m.Options))
		out["mount "+m.Destination] = fmt.Sprint(m.Type, " ", neutral(m.Source), " ", options)
	}
	for _, ns := range s.Linux.Namespaces {
		if ns.Type == specs.CgroupNamespace {
			continue // made where the host has cgroup v2
		}
		whose := "own"
		if ns.Path != "" {
			whose = "host"
		}
		out["namespace "+string(ns.Type)] = whose
	}
	p := s.Process
	caps := func(list []string) string {
		if len(list) >= 38 { // the kernel's own number
			return "all"
		}
		return fmt.Sprint(slices.Compact(slices.Sorted(slices.Values(list)))) // 20.10 repeats an added one
	}
	out["bounding"], out["effective"], out["permitted"] = caps(p.Capabilities.Bounding), caps(p.Capabilities.Effective), caps(p.Capabilities.Permitted)
	out["ambient"] = caps(p.Capabilities.Ambient)
	out["user"] = fmt.Sprint(p.User.UID, p.User.GID, p.User.AdditionalGids)
	out["process"] = fmt.Sprintf("%q %s %t %t", p.Args, p.Cwd, p.Terminal, p.NoNewPrivileges)
	var env []string
	for _, kv := range p.Env {
		if !strings.HasPrefix(kv, "HOSTNAME=") {
			env = append(env, kv)
		}
	}
	out["env"] = fmt.Sprint(slices.Sorted(slices.Values(env)))
	out["rlimits"] = fmt.Sprint(p.Rlimits)
	out["oom"] = *p.OOMScoreAdj
	out["readonly"] = s.Root.Readonly
	out["sysctl"] = fmt.Sprint(s.Linux.Sysctl)
	out["seccomp"] = s.Linux.Seccomp != nil
	out["masked"], out["readonlyPaths"] = len(s.Linux.MaskedPaths) > 0, fmt.Sprint(s.Linux.ReadonlyPaths)
	privileged := len(s.Linux.Devices) > 5 // all those of a host
	if !privileged {
		for i := range s.Linux.Devices { // whose the host's node is
			s.Linux.Devices[i].UID, s.Linux.Devices[i].GID = nil, nil
		}
		out["devices"] = asJSON(t, s.Linux.Devices)
	} else {
		out["devices"] = "the host's"
	}
	var rules []string
	for _, d := range s.Linux.Resources.Devices {
		rules = append(rules, asJSON(t, d))
	}
	out["rules"] = fmt.Sprint(slices.Sorted(slices.Values(rules)))
	if r := s.Linux.Resources; r.Memory != nil && r.Memory.Limit != nil {
		out["memory"] = fmt.Sprint(*r.Memory.Limit, *r.Memory.Swap)
	}
	if r := s.Linux.Resources; r.Pids != nil && r.Pids.Limit != nil {
		out["pids"] = *r.Pids.Limit
	}
	if c := s.Linux.Resources.CPU; c != nil && c.Quota != nil {
		out["cpu"] = fmt.Sprint(*c.Quota, *c.Period, c.Cpus)
	}
	out["propagation"] = s.Linux.RootfsPropagation
	return out
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCorpus(t *testing.T) {
	for scenario, text := range scenarios {
		t.Run(scenario, func(t *testing.T) {
			r, err := Make(arguments(text), busybox(), "/rootfs")
			if err != nil {
				t.Fatal(err)
			}
			corpus.Compare(t, judged(t, r.Spec), judged(t, corpus.Spec(t, "docker/"+scenario)))
		})
	}
}
