// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/runclad/runclad/internal/ctl/explained"
	"github.com/runclad/runclad/internal/ctl/podspec"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/runtime"
)

// podViews explains each container of a Pod.
func podViews(file string, p *policy.Policy) ([]*explained.View, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pod, err := podspec.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	rootfs, remove, err := emptyRootfs()
	if err != nil {
		return nil, err
	}
	defer remove()
	containers, err := podspec.Make(pod, rootfs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var out []*explained.View
	for _, c := range containers {
		config, err := c.Config()
		if err != nil {
			return nil, err
		}
		e, err := runtime.Explain(runtime.Query{
			Root: podspec.Root, Bundle: c.Bundle, ID: c.ID, Config: config, Workload: &c.Workload, Policy: p, Now: time.Now(),
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, c.Title, err)
		}
		v := explained.Of("", e)
		v.Title, v.Unknown = c.Title, append(v.Unknown, c.Unknown...)
		out = append(out, v)
	}
	return out, nil
}
