// SPDX-License-Identifier: Apache-2.0

package control

// Control is one thing that runclad enforces.
type Control struct {
	// ID is the name used in audit lines, refusals and documentation.
	ID string
	// Standards lists the clauses that ask for it:
	//   - CIS: CIS Docker Benchmark 1.6, section 5
	//   - PSS: Kubernetes Pod Security Standards
	//   - NSA: NSA/CISA Kubernetes Hardening Guide, numbered as Trivy does
	//   - NIST: NIST SP 800-190
	Standards string
}

// The controls, in the order in which the steps apply them.
var (
	Rootfs       = Control{"rootfs", "CIS 5.13, NSA 1.1, NIST 4.4.4"}
	Propagation  = Control{"propagation", "CIS 5.20"}
	Namespaces   = Control{"namespaces", "CIS 5.10 5.16 5.17 5.21 5.31, PSS baseline, NSA 1.3 1.4 1.5"}
	Annotations  = Control{"annotations", "NIST 4.4.3"}
	Hooks        = Control{"hooks", "NIST 4.4.3"}
	HostPaths    = Control{"host-paths", "CIS 5.6 5.32, PSS baseline, NIST 4.4.3"}
	Volumes      = Control{"volumes", "NIST 4.4.3"}
	KernelFS     = Control{"kernel-filesystems", "CIS 5.25, PSS baseline, NIST 4.4.3"}
	Writable     = Control{"writable-places", "CIS 5.13, NSA 1.1, NIST 4.4.4"}
	Devices      = Control{"devices", "CIS 5.5 5.18, PSS baseline, NSA 1.2"}
	Capabilities = Control{"capabilities", "CIS 5.4 5.5 5.23, PSS restricted, NSA 1.2"}
	Privileges   = Control{"no-new-privileges", "CIS 5.26, PSS restricted, NSA 1.7"}
	Identity     = Control{"identity", "CIS 5.24, PSS restricted, NSA 1.0 1.6"}
	Seccomp      = Control{"seccomp", "CIS 5.22, PSS restricted, NSA 1.10"}
	MaskedPaths  = Control{"masked-paths", "PSS baseline, NIST 4.4.3"}
	Sysctls      = Control{"sysctls", "PSS baseline"}
	Labels       = Control{"labels", "CIS 5.2 5.3, PSS baseline"}
	Limits       = Control{"limits", "CIS 5.19 5.29"}
	Metadata     = Control{"metadata", "NIST 4.4.2"}
	Restore      = Control{"restore", "NIST 4.4.3"}
	Exec         = Control{"exec", "CIS 5.23 5.24"}
	Rules        = Control{"rules", "NIST 4.4.5"}
	Images       = Control{"images", "NIST 4.1.5 4.4.5"}
	Credentials  = Control{"credentials", "NIST 4.1.4"}
)
