// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"time"

	"github.com/runclad/runclad/internal/ctl/dockerrun"
	"github.com/runclad/runclad/internal/ctl/explained"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/runtime"
)

// emptyRootfs makes a directory that stands for the root directory of an image
// whose files are not at hand.
func emptyRootfs() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "runcladctl-rootfs")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if err := os.Mkdir(filepath.Join(dir, "etc"), 0o755); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

// dockerRunViews explains what docker run would lead to.
func dockerRunViews(args []string, p *policy.Policy) ([]*explained.View, error) {
	name, err := dockerrun.Name(args)
	if err != nil {
		return nil, err
	}
	image, _ := dockerrun.Local(name) // that there is none is said in the answer
	rootfs, remove, err := emptyRootfs()
	if err != nil {
		return nil, err
	}
	defer remove()
	r, err := dockerrun.Make(args, image, rootfs)
	if err != nil {
		return nil, err
	}
	config, err := r.Config()
	if err != nil {
		return nil, err
	}
	e, err := runtime.Explain(runtime.Query{
		Root: dockerrun.Root, Bundle: dockerrun.Bundle, ID: dockerrun.ID, Config: config, Workload: &r.Workload, Policy: p, Now: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	v := explained.Of("", e)
	v.Unknown = append(v.Unknown, r.Unknown...)
	if r.Runtime != "" && r.Runtime != "runclad" {
		v.Notes = append(v.Notes, "--runtime "+r.Runtime+": runclad is asked only if that runtime is runclad by another name")
	}
	return []*explained.View{v}, nil
}
