// SPDX-License-Identifier: Apache-2.0

package dockerrun

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func dockerRun(t *testing.T, image *Image, args ...string) *Run {
	t.Helper()
	r, err := Make(args, image, "/rootfs")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefusedArguments(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--privilegd alpine", "unknown flag: --privilegd"},
		{"--json alpine", "those of explain stand before --docker-run"},
		{"-Z alpine", "unknown shorthand flag"},
		{"--rm", "the image is missing"},
		{"--cap-add SYS_ADMIM alpine", "no capability"},
		{"--security-opt magic=1 alpine", "is not known"},
		{"--device /dev/nowhere alpine", "/dev/nowhere"},
		{"--device /etc/passwd alpine", "no device"},
		{"-v /a:/b:rx alpine", `option "rx" is not known`},
		{"-v /a:b alpine", "no absolute path"},
		{"--mount type=bind,source=/a,target=/b,wat=1 alpine", `field "wat"`},
		{"--mount type=npipe,source=/a,target=/b alpine", `type "npipe"`},
		{"--sysctl x alpine", "NAME=VALUE"},
		{"--ulimit nofile=x alpine", "--ulimit"},
		{"--memory much alpine", "--memory"},
		{"--cpus many alpine", "--cpus"},
		{"--userns private alpine", "--userns"},
		{"--device-cgroup-rule x alpine", "TYPE MAJOR:MINOR ACCESS"},
	} {
		_, err := Make(strings.Fields(tt.args), nil, "/rootfs")
		if !errors.Is(err, ErrFlag) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.args, err, tt.want)
		}
	}
}

// What does not reach the specification is taken all the same.
func TestIgnoredFlags(t *testing.T) {
	plain := dockerRun(t, nil, "alpine", "true")
	all := dockerRun(t, nil, "-d", "-it=false", "--rm", "--restart=always", "-p", "80:80", "--pull", "always", "--dns=1.1.1.1", "--log-driver", "none",
		"--health-cmd", "true", "--add-host", "a:1.1.1.1", "--platform", "linux/amd64", "-q", "--stop-timeout", "3", "alpine", "true")
	a, errA := plain.Config()
	b, errB := all.Config()
	if errA != nil || errB != nil || string(a) != string(b) {
		t.Errorf("%v %v\n%s\n%s", errA, errB, a, b)
	}
}

func TestImage(t *testing.T) {
	i := &Image{ID: "sha256:1"}
	i.Config.User, i.Config.WorkingDir, i.Config.Entrypoint, i.Config.Cmd = "1000:100", "/srv", []string{"/run.sh"}, []string{"serve"}
	i.Config.Env, i.Config.Volumes, i.Config.Labels = []string{"A=1", "B=2"}, map[string]struct{}{"/data": {}, "/own": {}}, map[string]string{"tier": "web", "x": "1"}
	r := dockerRun(t, i, "-e", "B=3", "-l", "x=2", "-v", "/srv/own:/own", "--name", "web", "--annotation", "k=v", "web:1")
	p := r.Spec.Process
	if p.User.UID != 1000 || p.User.GID != 100 || p.Cwd != "/srv" || !slices.Equal(p.Args, []string{"/run.sh", "serve"}) {
		t.Errorf("%+v", p)
	}
	if !slices.Contains(p.Env, "A=1") || !slices.Contains(p.Env, "B=3") || slices.Contains(p.Env, "B=2") {
		t.Errorf("%q", p.Env)
	}
	var mounts []string
	for _, m := range r.Spec.Mounts {
		if m.Destination == "/data" || m.Destination == "/own" {
			mounts = append(mounts, m.Destination+" "+m.Source)
		}
	}
	if !slices.Equal(mounts, []string{"/own /srv/own", "/data " + DataRoot + "/volumes/" + ID + "/_data"}) {
		t.Errorf("%q", mounts)
	}
	w := r.Workload
	if w.Name != "web" || w.Image != "web:1" || w.ImageID != "sha256:1" || w.Claimed || w.Labels.Get("x").Str() != "2" || w.Labels.Get("tier").Str() != "web" || r.Spec.Annotations["k"] != "v" {
		t.Errorf("%+v", w)
	}
	if r = dockerRun(t, i, "--entrypoint", "sh", "web:1"); !slices.Equal(r.Spec.Process.Args, []string{"sh"}) {
		t.Errorf("%q", r.Spec.Process.Args)
	}
	if len(r.Unknown) != 1 {
		t.Errorf("%q", r.Unknown)
	}
}

func TestWhatIsNotKnown(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--gpus all alpine", "NVIDIA"},
		{"--volumes-from x alpine", "the mounts of x"},
		{"-u nobody alpine", `user "nobody"`},
		{"--group-add audio alpine", `group "audio"`},
		{"--net container:x alpine", "network namespace of container x"},
		{"--device vendor.com/gpu=0 alpine", "CDI"},
		{"alpine", "the image's own user"},
	} {
		r := dockerRun(t, nil, strings.Fields(tt.args)...)
		if !strings.Contains(strings.Join(r.Unknown, "\n"), tt.want) {
			t.Errorf("%s: %q, want %q", tt.args, r.Unknown, tt.want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	env, seccomp := filepath.Join(dir, "env"), filepath.Join(dir, "seccomp.json")
	for name, text := range map[string]string{env: "# comment\nA=1\n\nNOWHERE_TO_BE_FOUND\n", seccomp: `{"defaultAction":"SCMP_ACT_ALLOW"}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := dockerRun(t, nil, "--env-file", env, "--security-opt", "seccomp="+seccomp, "alpine")
	if !slices.Contains(r.Spec.Process.Env, "A=1") || len(r.Spec.Process.Env) != 3 {
		t.Errorf("%q", r.Spec.Process.Env)
	}
	if s := r.Spec.Linux.Seccomp; s == nil || s.DefaultAction != "SCMP_ACT_ALLOW" {
		t.Errorf("%+v", s)
	}
}

func TestDockerSocket(t *testing.T) {
	r := dockerRun(t, nil, "--use-api-socket", "alpine")
	if last := r.Spec.Mounts[len(r.Spec.Mounts)-1]; last.Source != "/var/run/docker.sock" {
		t.Errorf("%+v", last)
	}
}
