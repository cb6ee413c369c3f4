// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/runclad/runclad/internal/ctl/auditlog"
	"github.com/runclad/runclad/internal/ctl/replace"
)

// StateFile is where sums and offsets are kept between collections.
const StateFile = "/var/lib/runclad/metrics.json"

// stateVersion is that of the file's form.
const stateVersion = 1

// state is what has to outlive a collection.
type state struct {
	Version int `json:"version"`
	// Read says how far each file of the log was read, by what names it (fileID).
	Read map[string]int64 `json:"read"`
	// Sums are the counters: by the metric's name, then the values of its labels
	// as a JSON array.
	Sums map[string]map[string]float64 `json:"sums"`
	// Durations are the histogram, by verb.
	Durations map[string]*distribution `json:"durations"`
	// Hits are the counters of metadata blocks as last seen: by network namespace
	// and address.
	Hits map[string]map[string]uint64 `json:"hits"`
	// LetPass are the lines of containers that the policy let pass unchanged, by
	// ID: they do not bypass runclad. The log is not read again for them.
	LetPass map[string]*auditlog.Entry `json:"letPass"`
}

// distribution counts observations, each bucket without those below it.
type distribution struct {
	Buckets []uint64 `json:"buckets"`
	Sum     float64  `json:"sum"`
	Count   uint64   `json:"count"`
}

func (d *distribution) observe(v float64) {
	if len(d.Buckets) != len(buckets) {
		d.Buckets = make([]uint64, len(buckets))
	}
	for i, le := range buckets {
		if v <= le {
			d.Buckets[i]++
			break
		}
	}
	d.Sum += v
	d.Count++
}

func newState() *state {
	return &state{
		Version: stateVersion, Read: map[string]int64{}, Sums: map[string]map[string]float64{},
		Durations: map[string]*distribution{}, Hits: map[string]map[string]uint64{}, LetPass: map[string]*auditlog.Entry{},
	}
}

// add counts up a metric. Labels are the values, in the order of its names.
func (s *state) add(m *Metric, n float64, labels ...string) {
	if len(labels) != len(m.Labels) {
		panic("metrics: " + m.Name + ": wrong number of labels")
	}
	key, err := json.Marshal(labels)
	if err != nil {
		panic(err) // strings always can
	}
	if s.Sums[m.Name] == nil {
		s.Sums[m.Name] = map[string]float64{}
	}
	s.Sums[m.Name][string(key)] += n
}

// openState reads the state and locks it until close is called: two collections
// at once would count lines twice.
func openState(path string) (s *state, release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, nil, err
	}
	release = func() { lock.Close() }
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		release()
		return nil, nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	s = newState()
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, release, nil
	case err == nil:
		err = json.Unmarshal(data, s)
	}
	if err == nil && s.Version != stateVersion {
		err = fmt.Errorf("version %d is not %d", s.Version, stateVersion)
	}
	if err != nil {
		release()
		return nil, nil, fmt.Errorf("%s: %w (remove it to count from the beginning of the log)", path, err)
	}
	return s, release, nil
}

// save puts the state in place at once.
func (s *state) save(path string) error {
	return replace.File(path, 0o600, func(out io.Writer) error { return json.NewEncoder(out).Encode(s) })
}
