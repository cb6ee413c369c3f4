// SPDX-License-Identifier: Apache-2.0

// Package podspec makes of a Pod the specifications that the kubelet and
// containerd's CRI plugin would send to the runtime, as far as runclad judges
// them: that of the pause container and of each container. Tests hold it against
// what a real containerd sent.
//
// What belongs here: what Pod, kubelet and containerd say. What does not: images
// and device plugins, which are only named as unknown.
package podspec
