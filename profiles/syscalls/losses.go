// SPDX-License-Identifier: Apache-2.0

package syscalls

// Loss is something a program was recorded doing that every profile without
// capabilities refuses on purpose.
type Loss struct {
	Name string
	// Args is what of the call is refused, as the recordings write it; empty
	// for the whole call.
	Args string
	// Fallback is what the program does instead.
	Fallback string
}

// Losses are all that the recorded programs (testdata/*.json) lose. A refusal
// that a recording shows and this list does not fails a test.
var Losses = []Loss{
	{"chroot", "", "none: needs CAP_SYS_CHROOT"},
	{"clock_settime", "", "none: needs CAP_SYS_TIME"},
	{"clone3", "", "glibc uses clone(2), after ENOSYS"},
	{"get_mempolicy", "", "libnuma and the JVM take the machine for one without NUMA"},
	{"ioctl", "FICLONE", "cp copies with copy_file_range(2) or read and write"},
	{"ioctl", "NS_GET_PARENT", "lsns shows less"},
	{"ioctl", "NS_GET_USERNS", "lsns shows less"},
	{"keyctl", "", "callers go on without a session keyring"},
	{"mknodat", "S_IFCHR", "none: needs CAP_MKNOD"},
	{"set_mempolicy", "", "libnuma and the JVM take the machine for one without NUMA"},
	{"setns", "", "none: needs CAP_SYS_ADMIN"},
	{"socket", "AF_NETLINK,SOCK_RAW,NETLINK_AUDIT", "callers go on as on a kernel without auditing, after EPROTONOSUPPORT"},
	{"socket", "AF_NETLINK,SOCK_RAW,NETLINK_SOCK_DIAG", "ss reads /proc/net"},
	{"splice", "", "callers read and write, after EINVAL"},
	{"syslog", "", "none: needs CAP_SYSLOG"},
	{"unshare", "", "none: needs CAP_SYS_ADMIN"},
}
