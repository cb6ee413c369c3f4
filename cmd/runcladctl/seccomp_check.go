// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/profiles/filter"
	"github.com/runclad/runclad/profiles/syscalls"
)

func seccompCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check PROFILE",
		Short: "Warn of what in a profile does not do what it seems to",
		Long: `Names what in a profile does not do what it seems to: comparisons that a high
bit walks past, calls that do not exist, a default that allows. The exit status
is 1 where something is found.`,
		Args:              arguments(1, 1),
		ValidArgsFunction: completeProfiles,
	}
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := loadFilter(args[0])
		if err != nil {
			return err
		}
		warnings := warn(f)
		err = answer(cmd, warnings, func(out io.Writer) error { return printWarnings(out, warnings) })
		if err == nil && len(warnings) > 0 { // so that scripts see it
			err = fmt.Errorf("%s: %s", args[0], text.Count(len(warnings), "warning"))
		}
		return err
	}
	return cmd
}

func printWarnings(out io.Writer, warnings []string) error {
	for _, w := range warnings {
		fmt.Fprintln(out, w)
	}
	if len(warnings) > 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, "nothing found")
	return err
}

// tail are the calls that runtimes make between loading the filter and execve(2),
// seen on runc 1.1 to 1.5 and crun 1.8, and what every process needs to end.
var tail = strings.Fields("close execve fstatfs getdents64 openat write read futex statx fcntl exit_group exit rt_sigreturn epoll_ctl getpid")

func warn(f *filter.Filter) []string {
	w := []string{}
	add := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	switch d := f.Default; {
	case d.Allows():
		add("the default action is %s: what no rule names is allowed, and so is every call of a newer kernel", d.Kind)
	case d.Kind == filter.Errno && d.Errno != 38:
		add("the default errno is %d: libc falls back to older calls on ENOSYS (38) only; set defaultErrnoRet", d.Errno)
	}
	native, err := syscalls.ScmpArch(runtime.GOARCH)
	switch {
	case err == nil && len(f.Architectures) == 0:
		add("no architectures are named: runtimes take this machine's own, %s", native)
	case err == nil && !slices.Contains(f.Architectures, strings.TrimPrefix(native, "SCMP_ARCH_")):
		add("%s, this machine's architecture, is missing", native)
	}
	for _, a := range f.Architectures {
		if other := "SCMP_ARCH_" + a; err == nil && other != native {
			add("%s: calls of another architecture have numbers and arguments of their own (socketcall hides them)", other)
		}
	}
	if f.Listener {
		add("listenerPath: runclad gives no supervisor to a container, so SCMP_ACT_NOTIFY refuses")
	}
	for _, flag := range f.Flags {
		add("flag %s: runc 1.1 fails on SPEC_ALLOW and LOG; runclad sets none", flag)
	}
	unknown := []string{}
	for i := range f.Rules {
		r := &f.Rules[i]
		label := strings.Join(r.Names, " ")
		if len(r.Names) > 3 {
			label = strings.Join(r.Names[:3], " ") + " …"
		}
		for _, n := range r.Names {
			if syscalls.Lookup(n) == nil && !slices.Contains(foreign, n) && !slices.Contains(unknown, n) {
				unknown = append(unknown, n)
			}
		}
		if r.Twice {
			add("%s: an argument is compared twice in one rule: runtimes make alternatives of its comparisons, not a conjunction", label)
		}
		for _, op := range r.Ops {
			switch op {
			case "SCMP_CMP_NE", "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_LT", "SCMP_CMP_LE":
				add("%s: %s compares 64 bits where the kernel cuts an int to 32: a bit in the high half walks past it; use SCMP_CMP_MASKED_EQ under 0xffffffff", label, op)
			}
		}
		if k := r.Action.Kind; k == filter.Trace || k == filter.Notify {
			add("%s: %s refuses with ENOSYS where nobody is there to decide", label, k)
		}
	}
	for _, n := range unknown {
		add("%s: no such call; runtimes drop the name without a word", n)
	}
	for i := range syscalls.Table {
		name := syscalls.Table[i].Name
		c := f.Call(name)
		if slices.Contains(tail, name) && (c == nil && !f.Default.Allows() || c != nil && c.Lone && !c.Action.Allows()) {
			add("%s is refused: runtimes call it between loading the profile and starting the program", name)
		}
	}
	return w
}

// foreign are the calls of other architectures that profiles usually name.
var foreign = strings.Fields(`_llseek _newselect arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush chown32 clock_adjtime64
	clock_getres_time64 clock_gettime64 clock_nanosleep_time64 clock_settime64 fadvise64_64 fchown32 fcntl64 fstat64 fstatat64 fstatfs64
	ftruncate64 futex_time64 getegid32 geteuid32 getgid32 getgroups32 getresgid32 getresuid32 getuid32 io_pgetevents_time64 ipc lchown32
	lstat64 mmap2 mq_timedreceive_time64 mq_timedsend_time64 nice oldfstat oldlstat oldolduname oldstat olduname pciconfig_iobase
	pciconfig_read pciconfig_write ppoll_time64 pselect6_time64 readdir recv recvmmsg_time64 riscv_flush_icache riscv_hwprobe rtas
	rt_sigtimedwait_time64 s390_guarded_storage s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr s390_sthyi
	sched_rr_get_interval_time64 semtimedop_time64 send sendfile64 set_tls setfsgid32 setfsuid32 setgid32 setgroups32 setregid32 setresgid32
	setresuid32 setreuid32 setuid32 sgetmask sigaction signal sigpending sigprocmask sigreturn sigsuspend socketcall spu_create spu_run
	ssetmask stat64 statfs64 stime subpage_prot swapcontext switch_endian sync_file_range2 sys_debug_setcontext timer_gettime64
	timer_settime64 timerfd_gettime64 timerfd_settime64 truncate64 ugetrlimit ulimit umount utimensat_time64 utrap_install vm86 vm86old
	waitpid bdflush break ftime gtty idle lock prof profil stty fstatat sync_file_range_time64 arch_specific_syscall multiplexer`)
