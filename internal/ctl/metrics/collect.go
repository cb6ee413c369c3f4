// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/node"
	"github.com/runclad/runclad/internal/record"
	shim "github.com/runclad/runclad/runtime"
)

// Sample is one value of a metric.
type Sample struct {
	Labels []string `json:"labels,omitempty"` // values, in the order of the metric's
	Value  float64  `json:"value"`
	// Of a histogram: Value is the sum of the observations, Count their number,
	// Buckets those up to each bound.
	Count   uint64            `json:"count,omitempty"`
	Buckets map[string]uint64 `json:"buckets,omitempty"`
}

// Family is a metric with its samples.
type Family struct {
	Metric
	Samples []Sample `json:"samples"`
}

// Collect counts what is new in the log, looks at the node, and keeps the sums
// in the state file. Doubts are what could not be read: the collection says how
// many there are.
func Collect(n node.Node, p node.Policy, stateFile string, now time.Time) (families []Family, notRead []string, err error) {
	s, release, err := openState(stateFile)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	if err := s.countLog(n.Logs); err != nil {
		notRead = append(notRead, err.Error())
	}
	list, err := n.ContainersKnowing(s.LetPass)
	if err != nil {
		notRead = append(notRead, err.Error())
	}
	s.forget(list, now)
	live := map[*node.Container]*node.Live{}
	byNetns := map[string]*node.Live{}
	for _, c := range list {
		notRead = append(notRead, c.Doubts...)
		l, err := c.Live()
		if err != nil {
			continue // it does not run, or ended just now
		}
		for part, err := range l.Doubts {
			notRead = append(notRead, c.ID+": "+part+": "+err.Error())
		}
		live[c] = l
		if l.Netns != "" && l.Blocked {
			byNetns[l.Netns] = l
		}
	}
	s.countHits(byNetns)
	if err := s.save(stateFile); err != nil {
		return nil, notRead, err
	}
	return append(s.families(), gauges(list, live, p, len(notRead), now)...), notRead, nil
}

// families are the counters and the histogram. A metric without labels is shown
// from the start, at zero.
func (s *state) families() []Family {
	var out []Family
	for _, m := range All {
		f := Family{Metric: *m}
		switch m.Kind {
		case counter:
			for key, v := range s.Sums[m.Name] {
				var labels []string
				if json.Unmarshal([]byte(key), &labels) != nil || len(labels) != len(m.Labels) {
					continue // of another version
				}
				f.Samples = append(f.Samples, Sample{Labels: labels, Value: v})
			}
			if len(m.Labels) == 0 && len(f.Samples) == 0 {
				f.Samples = []Sample{{}}
			}
		case histogram:
			for verb, d := range s.Durations {
				sample := Sample{Labels: []string{verb}, Value: d.Sum, Count: d.Count, Buckets: map[string]uint64{}}
				sum := uint64(0)
				for i, le := range buckets {
					if i < len(d.Buckets) {
						sum += d.Buckets[i]
					}
					sample.Buckets[strconv.FormatFloat(le, 'g', -1, 64)] = sum
				}
				f.Samples = append(f.Samples, sample)
			}
		default:
			continue
		}
		out = append(out, f.sorted())
	}
	return out
}

func (f Family) sorted() Family {
	slices.SortFunc(f.Samples, func(a, b Sample) int { return slices.Compare(a.Labels, b.Labels) })
	return f
}

func gauges(list []*node.Container, live map[*node.Container]*node.Live, p node.Policy, notRead int, now time.Time) []Family {
	values := map[*Metric]float64{&policyLoaded: 0, &doubts: float64(notRead), &collected: float64(now.Unix())}
	if p.Err == nil {
		values[&policyLoaded] = 1
	}
	by := map[[3]string]float64{}
	for _, c := range list {
		if c.State != node.Running && c.State != node.Created {
			continue
		}
		if c.Bypasses() {
			values[&bypassing]++
			continue
		}
		by[[3]string{c.Engine, c.Profile, c.Mode}]++
		if c.Mode == auditlog.Audit {
			values[&auditMode]++
		}
		if n := len(c.Exemptions); n > 0 {
			values[&exempted]++
			values[&exemptions] += float64(n)
		}
		if p.Stale(c) {
			values[&stale]++
		}
		l := live[c]
		if l != nil && c.Record != nil && c.Record.Block != record.BlockAllowed && l.Doubts[node.PartMetadata] == nil && !l.Blocked {
			values[&unblocked]++
		}
	}
	var out []Family
	for _, m := range All {
		if m.Kind != gauge {
			continue
		}
		f := Family{Metric: *m}
		switch m {
		case &containers:
			for k, v := range by {
				f.Samples = append(f.Samples, Sample{Labels: k[:], Value: v})
			}
		case &buildInfo:
			f.Samples = []Sample{{Labels: []string{shim.Version}, Value: 1}}
		default:
			f.Samples = []Sample{{Value: values[m]}}
		}
		out = append(out, f.sorted())
	}
	return out
}
