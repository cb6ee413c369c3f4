// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	node "k8s.io/api/node/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kinds are the types that the manifests are read into, strictly: a field that
// Kubernetes does not know is an error.
var kinds = map[string]func() any{
	"v1 Namespace":                func() any { return &core.Namespace{} },
	"v1 Pod":                      func() any { return &core.Pod{} },
	"apps/v1 DaemonSet":           func() any { return &apps.DaemonSet{} },
	"node.k8s.io/v1 RuntimeClass": func() any { return &node.RuntimeClass{} },
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy":        func() any { return &admission.ValidatingAdmissionPolicy{} },
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": func() any { return &admission.ValidatingAdmissionPolicyBinding{} },
}

// objects reads the documents of a manifest.
func objects(t *testing.T, text []byte) []any {
	t.Helper()
	var out []any
	for _, doc := range bytes.Split(text, []byte("\n---\n")) {
		var head struct{ APIVersion, Kind string }
		if err := yaml.Unmarshal(doc, &head); err != nil {
			t.Fatal(err)
		}
		make, ok := kinds[head.APIVersion+" "+head.Kind]
		if !ok {
			t.Fatalf("no type for %s %s", head.APIVersion, head.Kind)
		}
		v := make()
		if err := yaml.UnmarshalStrict(doc, v); err != nil {
			t.Fatalf("%s: %v", head.Kind, err)
		}
		out = append(out, v)
	}
	return out
}

func of[T any](all []any) []T {
	var out []T
	for _, v := range all {
		if o, ok := v.(T); ok {
			out = append(out, o)
		}
	}
	return out
}

// build is `kustomize build` of a folder, after a change to a copy of it.
func build(t *testing.T, dir string, change func(kustomization string) string) []any {
	t.Helper()
	tmp := t.TempDir()
	if err := os.CopyFS(tmp, os.DirFS("kubernetes")); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		file := filepath.Join(tmp, dir, "kustomization.yaml")
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(change(string(b))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(tmp, dir))
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, text)
}

func TestOverlays(t *testing.T) {
	for _, engine := range []string{"containerd", "crio"} {
		for _, action := range []string{"install", "uninstall"} {
			t.Run(action+" "+engine, func(t *testing.T) {
				dir := "overlays/" + map[string]string{"install": "", "uninstall": "uninstall-"}[action] + engine
				all := build(t, dir, nil)
				sets := of[*apps.DaemonSet](all)
				if len(sets) != 1 || len(of[*node.RuntimeClass](all)) != 1 || len(of[*core.Namespace](all)) != 1 {
					t.Fatalf("%d objects", len(all))
				}
				pod := sets[0].Spec.Template.Spec
				work := pod.InitContainers[0]
				if !slices.Equal(work.Args, []string{action}) || work.Image != "registry.example.com/runclad-installer:latest" || pod.Containers[0].Image != work.Image {
					t.Errorf("args %v, image %s", work.Args, work.Image)
				}
				want := map[string]string{"RUNCLAD_ENGINE": engine, "RUNCLAD_RESTART": "no", "RUNCLAD_DEFAULT_RUNTIME": "no"}
				checkEnv(t, work, want)
			})
		}
	}
}

func checkEnv(t *testing.T, c core.Container, want map[string]string) {
	t.Helper()
	script, err := os.ReadFile("kubernetes/image/node.sh")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Env) != len(want) {
		t.Errorf("env: %v", c.Env)
	}
	for _, e := range c.Env {
		if want[e.Name] != e.Value || !strings.Contains(string(script), e.Name) {
			t.Errorf("%s = %q, want %q, in the script too", e.Name, e.Value, want[e.Name])
		}
	}
}

// The lines that the overlays have as comments work when they are taken in.
func TestComponents(t *testing.T) {
	all := build(t, "overlays/containerd", func(s string) string {
		for _, line := range []string{"components:", "  - ../../components/restart ", "  - ../../components/default-runtime "} {
			if !strings.Contains(s, "# "+line) {
				t.Errorf("no comment %q", line)
			}
			s = strings.Replace(s, "# "+line, line, 1)
		}
		return s
	})
	checkEnv(t, of[*apps.DaemonSet](all)[0].Spec.Template.Spec.InitContainers[0],
		map[string]string{"RUNCLAD_ENGINE": "containerd", "RUNCLAD_RESTART": "yes", "RUNCLAD_DEFAULT_RUNTIME": "yes"})
}

// The installer gets no more than it says it does.
func TestInstallerIsNarrow(t *testing.T) {
	pod := of[*apps.DaemonSet](build(t, "overlays/containerd", nil))[0].Spec.Template.Spec
	if pod.HostPID || pod.HostNetwork || pod.HostIPC || pod.ServiceAccountName != "" || *pod.AutomountServiceAccountToken {
		t.Errorf("namespaces of the host or API credentials: %+v", pod)
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		s := c.SecurityContext
		if s.Privileged != nil || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("%s: %+v", c.Name, s)
		}
	}
	if len(pod.Containers[0].VolumeMounts) != 0 || len(pod.Containers[0].SecurityContext.Capabilities.Add) != 0 {
		t.Errorf("what stays has %+v", pod.Containers[0])
	}
	selector := of[*node.RuntimeClass](build(t, "base", nil))[0].Scheduling.NodeSelector
	for k, v := range selector {
		if pod.NodeSelector[k] != v {
			t.Errorf("pods may go to nodes with %s=%s, where the installer does not", k, v)
		}
	}
}

func TestExamplePod(t *testing.T) {
	text, err := os.ReadFile("kubernetes/example-pod.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if pod := of[*core.Pod](objects(t, text))[0]; *pod.Spec.RuntimeClassName != "runclad" {
		t.Errorf("%v", pod.Spec)
	}
}

// judge evaluates a policy's expressions as the API server does, in an
// environment with its variables, and returns the messages of those that fail.
func judge(t *testing.T, p *admission.ValidatingAdmissionPolicy, object map[string]any) []string {
	t.Helper()
	var options []cel.EnvOption
	for _, name := range []string{"object", "oldObject", "request", "params", "namespaceObject", "variables"} {
		options = append(options, cel.Variable(name, cel.DynType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]any{}
	in := map[string]any{
		"object": object, "oldObject": nil, "request": map[string]any{"operation": "CREATE"}, "params": nil,
		"namespaceObject": map[string]any{"metadata": map[string]any{"name": "shop"}},
		"variables":       variables,
	}
	eval := func(expression string) any {
		ast, issues := env.Compile(expression)
		if issues.Err() != nil {
			t.Fatalf("%s: %v", expression, issues.Err())
		}
		program, err := env.Program(ast)
		if err != nil {
			t.Fatal(err)
		}
		v, _, err := program.Eval(in)
		if err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
		return v.Value()
	}
	for _, v := range p.Spec.Variables {
		variables[v.Name] = eval(v.Expression)
	}
	var out []string
	for _, v := range p.Spec.Validations {
		if eval(v.Expression) == true {
			continue
		}
		message := v.Message
		if v.MessageExpression != "" {
			message, _ = eval(v.MessageExpression).(string)
		}
		out = append(out, message)
	}
	return out
}

func TestAdmissionPolicies(t *testing.T) {
	text, err := os.ReadFile("kubernetes/admission/validatingadmissionpolicy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, text)
	policies := of[*admission.ValidatingAdmissionPolicy](all)
	for i, b := range of[*admission.ValidatingAdmissionPolicyBinding](all) {
		if b.Spec.PolicyName != policies[i].Name || b.Spec.MatchResources.NamespaceSelector.MatchLabels["dev.runclad/runtime"] != "required" {
			t.Errorf("binding %s: %+v", b.Name, b.Spec)
		}
	}
	spec := func(class string) map[string]any {
		s := map[string]any{"containers": []any{map[string]any{"name": "c"}}}
		if class != "" {
			s["runtimeClassName"] = class
		}
		return s
	}
	in := func(kind string, path ...string) func(class string) map[string]any {
		return func(class string) map[string]any {
			inner := spec(class)
			for _, p := range slices.Backward(path) {
				inner = map[string]any{p: inner}
			}
			inner["kind"] = kind
			return inner
		}
	}
	for _, c := range []struct {
		policy   int
		object   func(string) map[string]any
		messages map[string]string // by the class that is given
	}{
		{0, in("Pod", "spec"), map[string]string{
			"runclad": "",
			"":        "the namespace shop is labelled dev.runclad/runtime=required: set spec.runtimeClassName to runclad (the pod names none)",
			"gvisor":  "the namespace shop is labelled dev.runclad/runtime=required: set spec.runtimeClassName to runclad instead of gvisor",
		}},
		{1, in("Deployment", "spec", "template", "spec"), map[string]string{"runclad": "", "": "the pods will be refused", "runc": "the pods will be refused"}},
		{1, in("CronJob", "spec", "jobTemplate", "spec", "template", "spec"), map[string]string{"runclad": "", "": "the pods will be refused"}},
	} {
		for class, want := range c.messages {
			got := judge(t, policies[c.policy], c.object(class))
			if (want == "") != (len(got) == 0) || want != "" && !strings.HasPrefix(got[0], want) {
				t.Errorf("%s with %q: %q, want %q", policies[c.policy].Name, class, got, want)
			}
		}
	}
}

// Kyverno's own types are not among the modules here: its policy is read as
// YAML, and says the same as the one above.
func TestKyverno(t *testing.T) {
	text, err := os.ReadFile("kubernetes/admission/kyverno.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		APIVersion, Kind string
		Metadata         struct{ Name string }
		Spec             struct {
			Background bool
			Rules      []struct {
				Name  string
				Match struct {
					Any []struct {
						Resources struct {
							Kinds, Operations []string
							NamespaceSelector struct{ MatchLabels map[string]string }
						}
					}
				}
				Mutate struct {
					PatchStrategicMerge struct{ Spec map[string]string }
				}
				Validate struct {
					FailureAction, Message string
					Pattern                struct{ Spec map[string]string }
				}
			}
		}
	}
	if err := yaml.UnmarshalStrict(text, &p); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Spec.Rules {
		if m := r.Match.Any[0].Resources; m.Kinds[0] != "Pod" || m.NamespaceSelector.MatchLabels["dev.runclad/runtime"] != "required" {
			t.Errorf("%s: %+v", r.Name, m)
		}
	}
	if len(p.Spec.Rules) != 2 || p.Spec.Rules[0].Mutate.PatchStrategicMerge.Spec["+(runtimeClassName)"] != "runclad" || p.Spec.Rules[1].Validate.Pattern.Spec["runtimeClassName"] != "runclad" {
		t.Errorf("%+v", p.Spec.Rules)
	}
}
