// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/metadata"
	"github.com/runclad/runclad/internal/policy"
	"github.com/runclad/runclad/internal/record"
)

var start = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// bench is a log, its fallback, and a state file.
type bench struct {
	t              *testing.T
	log, fallback  string
	state, records string
	n              int
}

func newBench(t *testing.T) *bench {
	dir := t.TempDir()
	return &bench{
		t: t, log: filepath.Join(dir, "audit.jsonl"), fallback: filepath.Join(dir, "fallback.jsonl"),
		state: filepath.Join(dir, "lib", "metrics.json"), records: filepath.Join(dir, "run"),
	}
}

// write appends lines of a decision.
func (b *bench) write(file, decision string, n int) {
	b.t.Helper()
	var out strings.Builder
	for range n {
		b.n++
		reason := ""
		if decision == auditlog.Refused {
			reason = `,"controls":["host-paths","devices"]`
		}
		fmt.Fprintf(&out, `{"time":%q,"decision":%q,"verb":"create","engine":"docker","container":"c%d","profile":"default","duration_ms":1.5%s}`+"\n",
			start.Add(time.Duration(b.n)*time.Second).Format(time.RFC3339Nano), decision, b.n, reason)
	}
	b.raw(file, out.String())
}

func (b *bench) raw(file, text string) {
	b.t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) collect() map[string]*dto.MetricFamily {
	b.t.Helper()
	families, _, err := Collect(node.Node{Records: b.records, Logs: []string{b.log, b.fallback}}, node.Policy{Policy: policy.Default()}, b.state, start)
	if err != nil {
		b.t.Fatal(err)
	}
	return parse(b.t, families)
}

// parse writes families and reads them back as Prometheus does.
func parse(t *testing.T, families []Family) map[string]*dto.MetricFamily {
	t.Helper()
	var text bytes.Buffer
	if err := Write(&text, families); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	out, err := parser.TextToMetricFamilies(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatalf("%v:\n%s", err, text.String())
	}
	problems, err := promlint.New(bytes.NewReader(text.Bytes())).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	return out
}

// value sums the samples of a family that have all the given label values.
func value(families map[string]*dto.MetricFamily, name string, labels ...string) float64 {
	sum := 0.0
	for _, m := range families[name].GetMetric() {
		have := []string{}
		for _, l := range m.GetLabel() {
			have = append(have, l.GetValue())
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(have, l) }) {
			continue
		}
		sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func compress(t *testing.T, file string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(file+".gz", b.Bytes(), 0o600), os.Remove(file)); err != nil {
		t.Fatal(err)
	}
}

// Every line counts once, whatever becomes of the file that it is in.
func TestCountersGoOnAcrossRotation(t *testing.T) {
	b := newBench(t)
	want := 0.0
	check := func(step string) {
		t.Helper()
		f := b.collect()
		if got := value(f, "runclad_decisions_total", "create", "hardened", "docker", "default"); got != want {
			t.Fatalf("%s: %v hardened, want %v", step, got, want)
		}
		if got := value(f, "runclad_shim_duration_seconds", "create"); got != want {
			t.Fatalf("%s: %v durations, want %v", step, got, want)
		}
	}
	check("no log yet")
	b.write(b.log, auditlog.Hardened, 3)
	want = 3
	check("first lines")
	check("nothing new")
	b.write(b.log, auditlog.Hardened, 2)
	rename(t, b.log, b.log+".1")
	b.write(b.log+".1", auditlog.Hardened, 1) // by a shim that had it open
	b.write(b.log, auditlog.Hardened, 4)
	want = 10
	check("rotated")
	b.write(b.log, auditlog.Hardened, 1)
	compress(t, b.log+".1")
	rename(t, b.log+".1.gz", b.log+".2.gz")
	rename(t, b.log, b.log+".1")
	compress(t, b.log+".1")
	b.write(b.log, auditlog.Hardened, 2)
	want = 13
	check("rotated again, and compressed before it was read to its end")
	if err := errors.Join(os.Remove(b.log+".2.gz"), os.Remove(b.log+".1.gz")); err != nil {
		t.Fatal(err)
	}
	check("old files are gone")
	b.raw(b.log, `{"time":"2026-03-04T13:00:00Z","decision":"hardened","verb":"create"`)
	check("half a line")
	b.raw(b.log, `,"engine":"docker","profile":"default","duration_ms":1}`+"\n")
	want = 14
	check("the other half")
	var s state
	data, err := os.ReadFile(b.state)
	if err != nil || json.Unmarshal(data, &s) != nil || len(s.Read) != 1 {
		t.Errorf("offsets of files that are gone are kept: %v %v", s.Read, err)
	}
}

func TestWhatIsCounted(t *testing.T) {
	b := newBench(t)
	b.write(b.log, auditlog.Refused, 2)
	b.write(b.log, auditlog.Hardened, 1)
	b.raw(b.log, "{nonsense\n"+`{"time":"2026-03-04T13:00:00Z","decision":"failed","verb":"--weird","duration_ms":1}`+"\n"+`{"time":"2026-03-04T13:00:00Z","decision":"break-glass","verb":"grant"}`+"\n")
	b.write(b.fallback, auditlog.Hardened, 5)
	f := b.collect()
	for _, tt := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"runclad_refusals_total", []string{"host-paths"}, 2},
		{"runclad_refusals_total", []string{"devices"}, 2},
		{"runclad_decisions_total", []string{"refused"}, 2},
		{"runclad_decisions_total", []string{"hardened"}, 6},
		{"runclad_decisions_total", []string{"other", "failed"}, 1},
		{"runclad_decisions_total", []string{"grant", "break-glass"}, 1},
		{"runclad_shim_duration_seconds", []string{"grant"}, 0}, // it is no call of the shim
		{"runclad_audit_broken_lines_total", nil, 1},
		{"runclad_audit_fallback_lines_total", nil, 5},
		{"runclad_policy_load_success", nil, 1},
		{"runclad_bypassing_containers", nil, 0},
		{"runclad_build_info", nil, 1},
	} {
		if f[tt.name] == nil {
			t.Errorf("%s is missing", tt.name)
		}
		if got := value(f, tt.name, tt.labels...); got != tt.want {
			t.Errorf("%s%q is %v, want %v", tt.name, tt.labels, got, tt.want)
		}
	}
	h := f["runclad_shim_duration_seconds"].GetMetric()[0].GetHistogram()
	if h.GetBucket()[1].GetCumulativeCount() != 0 || h.GetBucket()[2].GetCumulativeCount() != 8 || h.GetSampleSum() < 0.0119 || h.GetSampleSum() > 0.0121 {
		t.Errorf("histogram: %v", h)
	}
}

func TestAStateThatCannotBeReadIsNotOverwritten(t *testing.T) {
	b := newBench(t)
	if err := os.MkdirAll(filepath.Dir(b.state), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{", `{"version":99}`} {
		if err := os.WriteFile(b.state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := Collect(node.Node{Records: b.records}, node.Policy{}, b.state, start)
		if err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", text, err)
		}
		if data, _ := os.ReadFile(b.state); string(data) != text {
			t.Errorf("%s became %s", text, data)
		}
	}
}

func TestCollectionsAtOnce(t *testing.T) {
	b := newBench(t)
	b.write(b.log, auditlog.Hardened, 50)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := Collect(node.Node{Records: b.records, Logs: []string{b.log}}, node.Policy{}, b.state, start); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := value(b.collect(), "runclad_decisions_total", "hardened"); got != 50 {
		t.Errorf("%v lines were counted, there are 50", got)
	}
}

// A container that the policy let pass as it was is remembered while it is there:
// the line that says so is read once.
func TestLetPass(t *testing.T) {
	b := newBench(t)
	b.write(b.log, auditlog.Exempted, 1)
	b.write(b.log, auditlog.Hardened, 1)
	b.collect()
	s, release, err := openState(b.state)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if len(s.LetPass) != 1 || s.LetPass["c1"] == nil || s.LetPass["c1"].Decision != auditlog.Exempted {
		t.Fatalf("%+v", s.LetPass)
	}
	s.forget([]*node.Container{{ID: "c1"}}, start.Add(48*time.Hour))
	s.forget(nil, start.Add(time.Minute))
	if len(s.LetPass) != 1 {
		t.Error("one that is there, or has just come, is forgotten")
	}
	s.forget(nil, start.Add(2*time.Hour))
	if len(s.LetPass) != 0 {
		t.Error("one that is gone is not forgotten")
	}
}

func TestHits(t *testing.T) {
	s := newState()
	ns := func(n uint64) map[string]*node.Live {
		return map[string]*node.Live{"4:1": {Hits: []metadata.Hit{{Addr: "169.254.169.254", Provider: "AWS", Packets: n}, {Addr: metadata.SourceRouteV4, Packets: 1}}}}
	}
	for _, step := range []struct {
		live map[string]*node.Live
		want float64
	}{
		{ns(3), 3}, {ns(3), 3}, {ns(10), 10}, {nil, 10}, {ns(2), 12}, {ns(1), 13},
	} {
		s.countHits(step.live)
		if got := s.Sums[blocked.Name][`["AWS"]`]; got != step.want {
			t.Errorf("%v packets, want %v", got, step.want)
		}
	}
}

func TestGauges(t *testing.T) {
	container := func(change func(*node.Container)) *node.Container {
		c := &node.Container{Engine: "cri", State: node.Running, Record: &record.Record{Block: record.BlockAtCreate, Created: start.Format(time.RFC3339Nano)}, Decision: node.Decision{Profile: "default", Mode: auditlog.Enforce}}
		change(c)
		return c
	}
	list := []*node.Container{
		container(func(*node.Container) {}),
		container(func(c *node.Container) { c.Exemptions = []string{"a", "b"} }),
		container(func(c *node.Container) { c.Mode = auditlog.Audit }),
		container(func(c *node.Container) { c.Record = nil }),
		container(func(c *node.Container) { c.State = node.Stopped }),
	}
	live := map[*node.Container]*node.Live{list[0]: {}, list[1]: {Blocked: true}}
	f := parse(t, gauges(list, live, node.Policy{Policy: &policy.Policy{Digest: "another"}, Err: errors.New("broken")}, 2, start))
	for name, want := range map[string]float64{
		"runclad_containers": 3, "runclad_bypassing_containers": 1, "runclad_audit_mode_containers": 1, "runclad_exempted_containers": 1,
		"runclad_exemptions": 2, "runclad_stale_policy_containers": 3, "runclad_unblocked_containers": 1, "runclad_policy_load_success": 0,
		"runclad_collection_errors": 2, "runclad_collection_timestamp_seconds": float64(start.Unix()),
	} {
		if got := value(f, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// The dashboard and the documentation speak of the metrics that there are, and
// of all of them.
func TestDashboardAndDocumentation(t *testing.T) {
	known := map[string]bool{}
	for _, m := range All {
		known[m.Name] = true
		if m.Kind == histogram {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[m.Name+suffix] = true
			}
		}
	}
	dashboard, err := os.ReadFile("../../../deploy/grafana/runclad.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(dashboard, &d); err != nil || len(d.Panels) == 0 {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if len(p.Targets) == 0 || p.Title == "" {
			t.Errorf("panel %q shows nothing", p.Title)
		}
	}
	docs, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`\brunclad_[a-z_]+`)
	for file, text := range map[string]string{"the dashboard": string(dashboard), "docs/metrics.md": string(docs)} {
		for _, n := range name.FindAllString(text, -1) {
			if !known[n] {
				t.Errorf("%s speaks of %s, which does not exist", file, n)
			}
		}
		for _, m := range All {
			if !strings.Contains(text, m.Name) {
				t.Errorf("%s says nothing of %s", file, m.Name)
			}
		}
	}
	for _, m := range All {
		row := "| `" + m.Name + "` | " + m.Kind + " | " + labelList(m) + " |"
		if !strings.Contains(string(docs), row) {
			t.Errorf("docs/metrics.md has no row %s", row)
		}
	}
	// The labels that expressions use are those of the metric.
	use := regexp.MustCompile(`(runclad_[a-z_]+)\{([^}]*)\}`)
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			for _, m := range use.FindAllStringSubmatch(target.Expr, -1) {
				for _, l := range regexp.MustCompile(`([a-z_]+)(=~|=|!=)`).FindAllStringSubmatch(m[2], -1) {
					if l[1] != "instance" && !hasLabel(m[1], l[1]) {
						t.Errorf("%s: %s has no label %s", p.Title, m[1], l[1])
					}
				}
			}
		}
	}
}

func labelList(m *Metric) string {
	if len(m.Labels) == 0 {
		return "–"
	}
	return strings.Join(m.Labels, ", ")
}

func hasLabel(name, label string) bool {
	return slices.ContainsFunc(All, func(m *Metric) bool {
		return strings.HasPrefix(name, m.Name) && (slices.Contains(m.Labels, label) || m.Kind == histogram && label == "le")
	})
}
