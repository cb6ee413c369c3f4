// SPDX-License-Identifier: Apache-2.0

package policy

// The built-in profiles.
const (
	ProfileDefault    = "default"
	ProfileStrict     = "strict"
	ProfileBaseline   = "baseline"
	ProfileSystem     = "system"
	ProfilePrivileged = "privileged"
)

// builtin returns the built-in profiles.
func builtin() map[string]*Profile {
	out := map[string]*Profile{}
	for name, adapt := range map[string]func(*Profile){
		ProfileDefault: func(*Profile) {},
		ProfileStrict:  strict, ProfileBaseline: baseline, ProfileSystem: system, ProfilePrivileged: privileged,
	} {
		p := defaults()
		p.Name, p.Base = name, name
		adapt(p)
		out[name] = p
	}
	return out
}

// defaults are those of the promise. The UID range lies above the ranges of
// systemd's static users and containers, sssd's default (200000–2000200000) and
// the usual subordinate IDs, and below 2^31, where some programs break.
func defaults() *Profile {
	return &Profile{
		Credentials:     "warn",
		Identity:        IdentityRandom,
		UIDRange:        [2]uint32{2001000000, 2147000000},
		Seccomp:         "default",
		TmpfsSize:       256 << 20,
		Volumes:         "map",
		HostBinds:       "as-asked",
		Metadata:        "block",
		TaskCredentials: "allow",
		PidsLimit:       4096,
	}
}

// strict is for images that bear it: no memory that is writable and executable,
// no credentials but those in files, nothing of the host written to.
func strict(p *Profile) {
	p.Credentials = "refuse"
	p.Seccomp = "strict"
	p.HostBinds = "read-only"
	p.TaskCredentials = "block"
	p.TmpfsSize = 64 << 20
	p.PidsLimit = 512
}

// baseline is what the level baseline of the Kubernetes Pod Security Standards
// allows: root, a writable root filesystem, set-user-ID programs, and the
// capabilities of its list. Host namespaces, host paths, devices and unsafe
// sysctls stay refused, the metadata endpoints blocked.
func baseline(p *Profile) {
	p.Identity = IdentityImage
	p.Capabilities = []string{
		"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
		"CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
	}
	p.NewPrivileges = true
	p.Seccomp = SeccompKeep
	p.WritableRootfs = true
	p.Exec = []string{"/"}
	p.Volumes = "keep"
}

// system is for agents of the node itself: network plugins, storage drivers,
// kube-proxy, log shippers. What they ask for of the host they get; engines'
// sockets, hooks, orders to the runtime by annotation and the node's metadata
// endpoints they do not.
func system(p *Profile) {
	baseline(p)
	p.Credentials = "ignore"
	p.Capabilities = []string{allCapabilities}
	p.Seccomp = SeccompUnconfined
	p.Unconfined = true
	p.HostPaths = []string{"/"}
	p.SharedMounts = true
	p.WritableKernelFS = true
	p.Unmasked = true
	p.HostNetwork, p.HostPID, p.HostIPC, p.HostUTS = true, true, true, true
	p.Devices = []string{anyName}
	p.Sysctls = []string{anyName}
	p.Priority = true
}

// privileged hands the specification off as the engine wrote it.
func privileged(p *Profile) { p.HandOff = true }

// anyName in a list of names stands for each of them.
const anyName = "*"
