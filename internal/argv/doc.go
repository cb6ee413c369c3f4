// SPDX-License-Identifier: Apache-2.0

// Package argv turns the argument vector that an engine gives to its runtime
// into an [Invocation], and an Invocation back into one canonical vector.
//
// It is the first half of the security boundary: what this package and the
// runtime read differently is a way round everything after it. So a guarded
// command (create, run, restore, exec, start) is parsed completely, by a flag
// table for its runtime; what the table does not hold is refused; and the
// runtime gets the canonical vector, never the original. Every other command
// passes with its vector untouched, and never fails on account of its flags: a
// running container can always be stopped.
//
// How the runtimes read argv, from their sources and tried on the programs:
//
//   - runc 1.0 to 1.5 uses urfave/cli v1 (1.22.1 up to runc 1.1, 1.22.14 to
//     1.22.17 since), which rests on Go's package flag: one or two dashes, long or
//     short name alike, --flag=value, the last duplicate wins, two spellings of
//     one flag fail. Flags after the container ID count (reorderArgs in
//     command.go), except for exec. A switch without a value swallows the word
//     after it in that reordering, so `run --detach ID --bundle B` fails.
//     `create --help --help=false ID` creates a container.
//   - crun uses argp (glibc) with ARGP_IN_ORDER: the first word that is no flag
//     ends the flags; abbreviations (--bund), glued values (-bDIR) and clusters
//     (-dt) are accepted; switches take no value, except --tty[=no].
//   - Both let --process of exec replace every flag that describes the process
//     (getProcess in runc's exec.go, crun_command_exec in crun's exec.c): they
//     are ignored then, not refused. Podman sends --tty beside --process.
//
// What belongs here: words, and the paths they spell. What does not: reading
// files, policy, the environment (NOTIFY_SOCKET, LISTEN_FDS), and whether a path
// leads anywhere.
package argv
