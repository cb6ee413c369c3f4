// SPDX-License-Identifier: Apache-2.0

package harden

import (
	"errors"
	"fmt"

	"github.com/runclad/runclad/internal/control"
	"github.com/runclad/runclad/internal/host"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/spec"
	"github.com/runclad/runclad/internal/workload"
)

// Plan is everything that was decided about one container or one exec'd
// process. It is not changed after Decide has made it.
type Plan struct {
	Profile  *policy.Profile
	Workload workload.Workload
	// Facts is what the host says; for exec, of the kernel alone.
	Facts *host.Facts

	// ContainerID, Bundle and Root are the runtime's names for the container
	// and the places of its state.
	ContainerID, Bundle, Root string

	// UID and GID are the container's, as its processes see them.
	UID, GID uint32
	// Userns says that the process is UID and GID 0 in a user namespace; nil where
	// it may not be.
	Userns *Userns
	// Granted says that an operator granted them to an exec'd process for a time:
	// then they may be root's.
	Granted bool
	// Home is where HOME points if the image's own is of no use.
	Home string
	// Places are the directories that are made writable, parents first.
	Places []Place
	// FileCaps are programs whose file capabilities are not looked at, so that
	// they start without them.
	FileCaps []Program
	// Volumes are the binds that the shim has staged.
	Volumes map[*spec.Value]Volume
	// Passwd and Group are files that hold an entry for UID and GID, to be
	// mounted over the image's; "" where they cannot be.
	Passwd, Group string

	// Network is the name of the network namespace that the shim makes for the
	// container, with the metadata block in it; "" where the runtime makes it or
	// the container joins one.
	Network string

	// Seccomp is the filter in OCI form, nil for none.
	Seccomp *spec.Value
	// Hook is the createRuntime hook that blocks the metadata endpoints where
	// no later call of the runtime can, else nil.
	Hook *spec.Value
}

// scope says which documents a step works on.
type scope uint8

const (
	container scope = iota // config.json alone
	process                // config.json's process, and exec's
)

type step struct {
	control control.Control
	scope   scope
	apply   func(*edit)
	verify  func(*edit) error
}

// steps, in order. Capabilities come before seccomp, which depends on them;
// mounts are judged before our own are added.
var steps = [...]step{
	{control.Namespaces, container, applyNamespaces, verifyNamespaces},
	{control.Annotations, container, applyAnnotations, verifyAnnotations},
	{control.Hooks, container, applyHooks, verifyHooks},
	{control.Volumes, container, applyMountPoints, verifyMountPoints},
	{control.HostPaths, container, applyHostPaths, verifyHostPaths},
	{control.KernelFS, container, applyKernelFS, verifyKernelFS},
	{control.Volumes, container, applyVolumes, verifyVolumes},
	{control.Propagation, container, applyPropagation, verifyPropagation},
	{control.Rootfs, container, applyRootfs, verifyRootfs},
	{control.Writable, container, applyWritable, verifyWritable},
	{control.Devices, container, applyDevices, verifyDevices},
	{control.Capabilities, process, applyCapabilities, verifyCapabilities},
	{control.Capabilities, container, applyFileCaps, verifyFileCaps},
	{control.Privileges, process, applyPrivileges, verifyPrivileges},
	{control.Identity, process, applyIdentity, verifyIdentity},
	{control.Identity, container, applyIdentityFiles, verifyIdentityFiles},
	{control.Seccomp, container, applySeccomp, verifySeccomp},
	{control.MaskedPaths, container, applyMaskedPaths, verifyMaskedPaths},
	{control.Sysctls, container, applySysctls, verifySysctls},
	{control.Identity, container, applyUserns, verifyUserns},
	{control.Labels, process, applyLabels, verifyLabels},
	{control.Limits, process, applyProcessLimits, verifyProcessLimits},
	{control.Limits, container, applyPidsLimit, verifyPidsLimit},
	{control.Metadata, container, applyMetadata, verifyMetadata},
}

// edit is what a step works with.
type edit struct {
	*Plan
	doc   *spec.Document
	scope scope
	// process is config.json's process object, or the root of exec's document.
	process *spec.Value
	// asked is what the engine asked for where the profile may leave it at that.
	asked    asked
	control  control.Control
	refusals control.Refusals
}

func (e *edit) refuse(allow, format string, args ...any) {
	r := control.Refuse(e.control, allow, format, args...)
	r.Profile = e.Profile.Name
	e.refusals = append(e.refusals, r)
}

// Container hardens a config.json. The error is control.Refusals, or one that
// wraps ErrInvariant.
func Container(doc *spec.Document, plan *Plan) error {
	return newEdit(doc, plan, container).run()
}

// Process hardens the process document of an exec.
func Process(doc *spec.Document, plan *Plan) error {
	return newEdit(doc, plan, process).run()
}

func newEdit(doc *spec.Document, plan *Plan, scope scope) *edit {
	e := &edit{Plan: plan, doc: doc, scope: scope, process: doc.Root()}
	if scope == container {
		e.process = doc.Ensure(doc.Root(), "process", spec.Object)
	}
	e.asked = askedFor(doc, e.process)
	return e
}

// ErrInvariant is wrapped by the error of a finished document that is not as
// promised: a defect of runclad, for which the container must not start.
var ErrInvariant = errors.New("the hardened document breaks an invariant")

func (e *edit) run() error {
	for i := range steps {
		if step := &steps[i]; step.scope >= e.scope {
			e.control = step.control
			e.doc.As(step.control.ID)
			step.apply(e)
		}
	}
	if len(e.refusals) > 0 {
		return e.refusals
	}
	return e.verify()
}

// verify checks every invariant on the finished document.
func (e *edit) verify() error {
	for i := range steps {
		if step := &steps[i]; step.scope >= e.scope {
			if err := step.verify(e); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrInvariant, step.control.ID, err)
			}
		}
	}
	return nil
}
