// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
)

// Write writes the families in Prometheus' text format. One without samples is
// left out.
func Write(out io.Writer, families []Family) error {
	for i := range families {
		if len(families[i].Samples) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(out, families[i].proto()); err != nil {
			return err
		}
	}
	return nil
}

func (f *Family) proto() *dto.MetricFamily {
	kind := map[string]dto.MetricType{counter: dto.MetricType_COUNTER, gauge: dto.MetricType_GAUGE, histogram: dto.MetricType_HISTOGRAM}[f.Kind]
	out := &dto.MetricFamily{Name: &f.Name, Help: &f.Help, Type: &kind}
	for i := range f.Samples {
		s := &f.Samples[i]
		m := &dto.Metric{}
		for j, name := range f.Labels {
			m.Label = append(m.Label, &dto.LabelPair{Name: proto.String(name), Value: proto.String(s.Labels[j])})
		}
		switch f.Kind {
		case counter:
			m.Counter = &dto.Counter{Value: &s.Value}
		case gauge:
			m.Gauge = &dto.Gauge{Value: &s.Value}
		case histogram:
			m.Histogram = s.histogram()
		}
		out.Metric = append(out.Metric, m)
	}
	return out
}

func (s *Sample) histogram() *dto.Histogram {
	h := &dto.Histogram{SampleSum: &s.Value, SampleCount: &s.Count}
	for bound, n := range s.Buckets {
		le, err := strconv.ParseFloat(bound, 64)
		if err != nil {
			continue // they are made by families
		}
		h.Bucket = append(h.Bucket, &dto.Bucket{UpperBound: &le, CumulativeCount: proto.Uint64(n)})
	}
	slices.SortFunc(h.Bucket, func(a, b *dto.Bucket) int { return cmp.Compare(a.GetUpperBound(), b.GetUpperBound()) })
	return h
}
