// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"
)

// A series holds the times of one variant, in the order of measurement.
type series []time.Duration

// median is the middle value; of an even number the lower one.
func median[T time.Duration | float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	return s[(len(s)-1)/2]
}

// A pair compares two series that were measured in turn.
type pair struct{ base, with series }

func (p pair) delta() time.Duration {
	d := make([]time.Duration, len(p.base))
	for i := range p.base {
		d[i] = p.with[i] - p.base[i]
	}
	return median(d)
}

func (p pair) ratio() float64 {
	r := make([]float64, len(p.base))
	for i := range p.base {
		r[i] = float64(p.with[i]) / float64(p.base[i])
	}
	return median(r)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// comparison prints pairs under a common heading.
type comparison struct{ w *tabwriter.Writer }

func newComparison(base, with string) comparison {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(w, "\t%s ms\t%s ms\tdifference ms\tratio\tpairs\t\n", base, with)
	return comparison{w}
}

func (c comparison) row(name string, p pair) {
	fmt.Fprintf(c.w, "%s\t%s\t%s\t%+.2f\t%.3f\t%d\t\n", name, ms(median(p.base)), ms(median(p.with)),
		float64(p.delta())/float64(time.Millisecond), p.ratio(), len(p.base))
}

func (c comparison) end() { _ = c.w.Flush() }
