// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/runclad/runclad/internal/audit"
	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/explained"
	"github.com/runclad/runclad/internal/ctl/text"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/runtime"
)

func explainCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "explain BUNDLE | CONTAINER | --docker-run ARGS... | --pod FILE",
		GroupID: groupSee,
		Short:   "Say what would be done with a container, or was, and why",
		Long: `Says what create would change in the specification of a container, from what to
what, by which control and for which standard; which rule of the policy is for
it and why the others are not; what would be refused, and the line that would
allow it. Nothing is changed, claimed or mounted.

BUNDLE is a folder with a config.json. CONTAINER is one that was created through
runclad, by a beginning of its ID or its name: what was done is then told from
the audit log. --docker-run stands before the arguments of docker run, of which
the specification is made that dockerd would send. --pod reads a Pod, of which the
specifications are made that containerd would send for its pause container and
each of its containers.

Exit status: 1 also where the container would be, or was, refused.`,
		Example: `  runcladctl explain web
  runcladctl explain /run/containerd/io.containerd.runtime.v2.task/k8s.io/4f1c
  runcladctl explain --diff --policy new.toml ./bundle
  runcladctl explain --docker-run --privileged -v /:/host alpine
  runcladctl explain --pod pod.yaml`,
		Args:              arguments(0, -1),
		ValidArgsFunction: completeContainers,
	}
	var o explainOptions
	cmd.Flags().BoolVar(&o.diff, "diff", false, "print the difference of the specification, and nothing else")
	cmd.Flags().StringArrayVar(&o.policy, "policy", nil, "take the policy from `FILE`, not from the node's place")
	cmd.Flags().StringVar(&o.root, "root", "", "the runtime's state root, by which engines are told apart")
	cmd.Flags().BoolVar(&o.dockerRun, "docker-run", false, "what follows are the arguments of docker run")
	cmd.Flags().StringVar(&o.pod, "pod", "", "explain the Pod in `FILE` (YAML or JSON)")
	jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case o.dockerRun && o.pod != "":
			return usage(cmd, "either --docker-run or --pod")
		case !o.dockerRun && (len(args) != 1) != (o.pod != ""), o.pod != "" && len(args) > 0:
			return miscounted(cmd, args)
		}
		views, err := o.views(args)
		if err != nil {
			return err
		}
		if err := o.show(cmd, views); err != nil {
			return err
		}
		if slices.ContainsFunc(views, func(v *explained.View) bool { return v.Verdict == audit.Refused || v.Verdict == audit.Failed }) {
			return errStopped
		}
		return nil
	}
	return cmd
}

type explainOptions struct {
	diff, dockerRun bool
	policy          []string
	root, pod       string
}

// afterDockerRun puts a -- after --docker-run: what follows are another program's
// arguments.
func afterDockerRun(args []string) []string {
	i := slices.Index(args, "--docker-run")
	if len(args) == 0 || args[0] != "explain" || i < 0 || slices.Contains(args[:i], "--") {
		return args
	}
	return slices.Insert(slices.Clone(args), i+1, "--")
}

func (o *explainOptions) views(args []string) ([]*explained.View, error) {
	p, err := policyOf(o.policy)
	if err != nil {
		return nil, err
	}
	switch {
	case o.dockerRun:
		return dockerRunViews(args, p)
	case o.pod != "":
		return podViews(o.pod, p)
	}
	var v *explained.View
	if isBundle(args[0]) {
		v, err = o.bundle(args[0], p)
	} else {
		v, err = container(args[0], p)
	}
	return []*explained.View{v}, err
}

func isBundle(name string) bool {
	_, err := os.Stat(filepath.Join(name, "config.json"))
	return err == nil || strings.ContainsRune(name, '/')
}

func (o *explainOptions) bundle(dir string, p *policy.Policy) (*explained.View, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	root, id := explained.Locate(dir)
	if o.root != "" {
		root = o.root
	}
	e, err := runtime.Explain(runtime.Query{Root: root, Bundle: dir, ID: id, Policy: p, Now: time.Now()})
	if err != nil {
		return nil, err
	}
	return explained.Of(id, e), nil
}

func container(name string, p *policy.Policy) (*explained.View, error) {
	r, err := recordOf(name)
	if err != nil {
		return nil, err
	}
	files, err := auditlog.Files(auditlog.Logs...)
	if err != nil {
		return nil, err
	}
	return explained.Container(name, r, files, p, time.Now())
}

// errStopped is the error of an answer that has been given and is no.
var errStopped = errors.New("at least one container is refused")

func (o *explainOptions) show(cmd *cobra.Command, views []*explained.View) error {
	if len(views) == 1 {
		return answer(cmd, views[0], func(out io.Writer) error { return o.print(out, views) })
	}
	return answer(cmd, views, func(out io.Writer) error { return o.print(out, views) })
}

func (o *explainOptions) print(out io.Writer, views []*explained.View) error {
	for i, v := range views {
		if o.diff {
			d, err := v.Diff()
			if err != nil {
				return err
			}
			if _, err := out.Write(d); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(out)
		}
		if err := v.Print(out, text.For(out)); err != nil {
			return err
		}
	}
	return nil
}
