// SPDX-License-Identifier: Apache-2.0

// Package integration holds the live tests: what runclad promises, checked
// from inside containers that real runtimes and engines made.
//
//	runtime_test.go     runc and crun, called as containerd's shim calls them
//	docker_test.go      Debian's dockerd and a current one
//	containerd_test.go  ctr
//	cri_test.go         containerd's CRI: pods
//	podman_test.go      Podman
//
// Each test begins by showing, where that says something, that the same thing
// without runclad is not so: a check that cannot fail proves nothing.
//
// They run in a bed (see the package of that name) as root, on bin/runclad as
// `make build` leaves it. Beside them: demo and bench, the programs of `make
// demo` and `make bench`; probe, the program that reports from inside a
// container; deps.sh, which installs what all of this needs.
package integration
