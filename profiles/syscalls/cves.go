// SPDX-License-Identifier: Apache-2.0

package syscalls

// CVE is a flaw of the kernel whose precondition every profile without
// capabilities refuses.
type CVE struct {
	ID string
	// What is the flaw, and what an attacker must be able to call.
	What string
	// Call and Args are such a call; arguments not given are zero.
	Call string
	Args []uint64
	// Level is AtStrict where that level alone refuses it.
	Level Level
}

// CVEs are flaws whose public record (the kernel's commit, NVD, the kernelCTF
// submission, the Linux Test Project's reproducer) names the call. Those that
// can also be reached by a call that is allowed are left out.
var CVEs = []CVE{
	{ID: "CVE-2014-3153", What: "futex: FUTEX_CMP_REQUEUE_PI to the same futex (Towelroot)", Call: "futex", Args: []uint64{0, 12}},
	{ID: "CVE-2015-5157", What: "x86 NMI handling: IRET fault with a segment from modify_ldt", Call: "modify_ldt"},
	{ID: "CVE-2016-0728", What: "keyrings: reference leak in join_session_keyring", Call: "keyctl"},
	{ID: "CVE-2017-11176", What: "POSIX message queues: double release in mq_notify", Call: "mq_notify"},
	{ID: "CVE-2017-17053", What: "x86: use after free of ldt_struct", Call: "modify_ldt"},
	{ID: "CVE-2019-13272", What: "ptrace: credentials of PTRACE_TRACEME", Call: "ptrace"},
	{ID: "CVE-2021-43267", What: "TIPC: heap overflow in crypto messages", Call: "socket", Args: []uint64{30, 2}},
	{ID: "CVE-2022-0185", What: "fsconfig: heap overflow in legacy_parse_param", Call: "fsconfig"},
	{ID: "CVE-2022-0847", What: "splice: Dirty Pipe", Call: "splice"},
	{ID: "CVE-2022-23222", What: "bpf: pointer arithmetic on or-null types", Call: "bpf"},
	{ID: "CVE-2022-29582", What: "io_uring: use after free of linked timeouts", Call: "io_uring_setup"},
	{ID: "CVE-2023-0461", What: "TCP_ULP: use after free of a listening socket's context (kTLS)", Call: "setsockopt", Args: []uint64{0, 6, 31}},
	{ID: "CVE-2023-6931", What: "perf: out-of-bounds write of group events", Call: "perf_event_open"},
	{ID: "CVE-2023-32233", What: "nf_tables: anonymous sets; needs a user namespace", Call: "unshare", Args: []uint64{0x10000000}},
	{ID: "CVE-2024-0582", What: "io_uring: mapped buffer rings freed in use", Call: "io_uring_register"},
	{ID: "CVE-2024-1086", What: "nf_tables: double free of verdicts; needs a user namespace", Call: "clone", Args: []uint64{0x10000000}},
	{ID: "CVE-2024-50066", What: "mremap racing with the page tables that MADV_COLLAPSE moves", Call: "madvise", Args: []uint64{0, 0, 25}},
	{ID: "CVE-2024-50264", What: "vsock: dangling pointer in virtio transport", Call: "socket", Args: []uint64{40, 1}},
	{ID: "CVE-2025-38352", What: "CPU timers: deletion racing with an exiting task", Call: "timer_create", Args: []uint64{2}, Level: AtStrict},
	{ID: "CVE-2025-40364", What: "io_uring: provided buffers in asynchronous preparation", Call: "io_uring_setup"},
	{ID: "CVE-2026-31431", What: "AF_ALG: page cache overwritten (Copy Fail)", Call: "socket", Args: []uint64{38, 5}},
	{ID: "CVE-2026-43500", What: "RxRPC: page cache overwritten (Dirty Frag)", Call: "socket", Args: []uint64{33, 2}},
	{ID: "CVE-2026-46300", What: "espintcp by TCP_ULP: page cache overwritten (Fragnesia)", Call: "setsockopt", Args: []uint64{0, 6, 31}},
}
