// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// options are the flags that change the specification.
type options struct {
	annotations, capAdd, capDrop, deviceRules, devices, env, envFiles, groups, labels, mounts []string
	securityOpts, sysctls, tmpfs, ulimits, volumes, volumesFrom, networks                     []string
	cgroupParent, cgroupns, cpus, cpuset, entrypoint, gpus, hostname, ipc, memory, memorySwap string
	name, pid, runtime, shmSize, user, userns, uts, workdir                                   string
	cpuPeriod, cpuQuota, cpuShares, pidsLimit                                                 int64
	oomScoreAdj                                                                               int
	init, interactive, privileged, readOnly, tty, oomKillDisable, apiSocket                   bool
	// given are the names of the flags that were.
	given map[string]bool
	// image and command are what follows the flags.
	image   string
	command []string
}

// without are flags of docker run that do not reach the specification, or reach
// nothing in it that is judged: switches, and those with a value.
var (
	withoutSwitch = []string{"detach d", "disable-content-trust", "help", "no-healthcheck", "publish-all P", "quiet q", "rm", "sig-proxy"}
	withoutValue  = []string{
		"add-host", "attach a", "blkio-weight", "blkio-weight-device", "cidfile", "cpu-rt-period", "cpu-rt-runtime", "cpuset-mems", "detach-keys",
		"device-read-bps", "device-read-iops", "device-write-bps", "device-write-iops", "dns", "dns-opt", "dns-option", "dns-search", "domainname",
		"expose", "health-cmd", "health-interval", "health-retries", "health-start-interval", "health-start-period", "health-timeout", "ip", "ip6",
		"isolation", "kernel-memory", "label-file", "link", "link-local-ip", "log-driver", "log-opt", "mac-address", "memory-reservation",
		"memory-swappiness", "network-alias", "net-alias", "platform", "publish p", "pull", "restart", "stop-signal", "stop-timeout", "storage-opt", "volume-driver",
	}
)

// ErrFlag is wrapped by the errors about arguments.
var ErrFlag = errors.New("docker run")

// parseFlags reads the arguments that follow "docker run".
func parseFlags(args []string) (*options, error) {
	o := &options{given: map[string]bool{}}
	fs := pflag.NewFlagSet("docker run", pflag.ContinueOnError)
	fs.SetInterspersed(false) // what follows the image is the command
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	for _, f := range []struct {
		name, short string
		to          *[]string
	}{
		{"annotation", "", &o.annotations},
		{"cap-add", "", &o.capAdd},
		{"cap-drop", "", &o.capDrop},
		{"device", "", &o.devices},
		{"device-cgroup-rule", "", &o.deviceRules},
		{"env", "e", &o.env},
		{"env-file", "", &o.envFiles},
		{"group-add", "", &o.groups},
		{"label", "l", &o.labels},
		{"mount", "", &o.mounts},
		{"network", "", &o.networks},
		{"net", "", &o.networks},
		{"security-opt", "", &o.securityOpts},
		{"sysctl", "", &o.sysctls},
		{"tmpfs", "", &o.tmpfs},
		{"ulimit", "", &o.ulimits},
		{"volume", "v", &o.volumes},
		{"volumes-from", "", &o.volumesFrom},
	} {
		fs.StringArrayVarP(f.to, f.name, f.short, nil, "")
	}
	for _, f := range []struct {
		name, short string
		to          *string
	}{
		{"cgroup-parent", "", &o.cgroupParent},
		{"cgroupns", "", &o.cgroupns},
		{"cpus", "", &o.cpus},
		{"cpuset-cpus", "", &o.cpuset},
		{"entrypoint", "", &o.entrypoint},
		{"gpus", "", &o.gpus},
		{"hostname", "h", &o.hostname},
		{"ipc", "", &o.ipc},
		{"memory", "m", &o.memory},
		{"memory-swap", "", &o.memorySwap},
		{"name", "", &o.name},
		{"pid", "", &o.pid},
		{"runtime", "", &o.runtime},
		{"shm-size", "", &o.shmSize},
		{"user", "u", &o.user},
		{"userns", "", &o.userns},
		{"uts", "", &o.uts},
		{"workdir", "w", &o.workdir},
	} {
		fs.StringVarP(f.to, f.name, f.short, "", "")
	}
	fs.Int64Var(&o.cpuPeriod, "cpu-period", 0, "")
	fs.Int64Var(&o.cpuQuota, "cpu-quota", 0, "")
	fs.Int64VarP(&o.cpuShares, "cpu-shares", "c", 0, "")
	fs.Int64Var(&o.pidsLimit, "pids-limit", 0, "")
	fs.IntVar(&o.oomScoreAdj, "oom-score-adj", 0, "")
	for _, f := range []struct {
		name, short string
		to          *bool
	}{
		{"init", "", &o.init},
		{"interactive", "i", &o.interactive},
		{"oom-kill-disable", "", &o.oomKillDisable},
		{"privileged", "", &o.privileged},
		{"read-only", "", &o.readOnly},
		{"tty", "t", &o.tty},
		{"use-api-socket", "", &o.apiSocket},
	} {
		fs.BoolVarP(f.to, f.name, f.short, false, "")
	}
	for _, f := range withoutSwitch {
		name, short, _ := strings.Cut(f, " ")
		fs.BoolP(name, short, false, "")
	}
	for _, f := range withoutValue {
		name, short, _ := strings.Cut(f, " ")
		fs.StringArrayP(name, short, nil, "")
	}
	if err := fs.Parse(args); err != nil {
		return nil, fmt.Errorf("%w: %w (flags of docker run up to 29 are known; those of explain stand before --docker-run)", ErrFlag, err)
	}
	fs.Visit(func(f *pflag.Flag) { o.given[f.Name] = true })
	if fs.NArg() == 0 {
		return nil, fmt.Errorf("%w: the image is missing", ErrFlag)
	}
	o.image, o.command = fs.Arg(0), fs.Args()[1:]
	return o, nil
}
