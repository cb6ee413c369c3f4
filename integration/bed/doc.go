// SPDX-License-Identifier: Apache-2.0

// Package bed is the ground that live tests, the demo and the benchmark stand
// on: a set of private namespaces in which the real default paths
// (/etc/runclad, /run/runclad, /var/log/runclad) and real engines can be used
// while the host stays as it was.
//
// [Main] (for a test package) and [Enter] (for a program) execute the running
// binary again, twice:
//
//	outer   the process that was started. It makes the bed's cgroup below its
//	        own in each hierarchy and a scratch folder, starts PID 1, passes
//	        signals on, and afterwards looks for what was left behind.
//	PID 1   in new mount, PID, network, IPC and UTS namespaces. It reaps
//	        orphans (containerd's shims and conmon are daemons) and does
//	        nothing else. When it ends, the kernel kills all that is left
//	        (pid_namespaces(7)), so that no daemon outlives a test, not even
//	        one that was killed with SIGKILL.
//	inside  in a new cgroup namespace, whose root is the bed's cgroup. It
//	        mounts its own /proc, /sys, cgroup hierarchies, /run, /etc,
//	        /var/log and /dev/shm, brings lo up, and goes on with the program.
//
// What belongs here: namespaces, root file systems, bundles, images, starters
// for the engines, the listener that plays a metadata endpoint, and the check
// for leftovers. What does not: any statement about what runclad promises;
// those are in the tests of the folder above.
package bed
