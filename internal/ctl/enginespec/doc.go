// SPDX-License-Identifier: Apache-2.0

// Package enginespec holds what dockerd and containerd put alike into the
// specification of a container: the default capabilities, the hidden paths, the
// devices of a privileged one.
package enginespec
