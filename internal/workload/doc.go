// SPDX-License-Identifier: Apache-2.0

// Package workload says who a container is: which engine made it, and by which
// names the operator knows it.
//
// Annotations are an attack surface: whoever may start a container may often
// set them. The engine is therefore told by what only it can choose, the
// runtime's state root and the bundle's path, and an engine's own keys are
// believed only under that engine.
package workload
