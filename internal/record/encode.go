// SPDX-License-Identifier: Apache-2.0

package record

import "github.com/runclad/runclad/internal/spec"

func (r *Record) encode() []byte {
	members := []spec.Member{spec.M("version", spec.Int(Version))}
	for _, f := range r.fields() {
		members = append(members, spec.M(f.name, f.value()))
	}
	return append(spec.Map(members...).Append(make([]byte, 0, 1024)), '\n')
}

func (f *field) value() *spec.Value {
	switch at := f.at.(type) {
	case *string:
		return spec.Text(*at)
	case *bool:
		return spec.Flag(*at)
	case *int:
		return spec.Int(int64(*at))
	case *uint32:
		return spec.Int(int64(*at))
	case *uint64:
		return spec.Int(int64(*at)) // CheckProcess bounds it
	case *[]string:
		return spec.Texts(*at...)
	case *[]uint32:
		elems := make([]*spec.Value, len(*at))
		for i, n := range *at {
			elems[i] = spec.Int(int64(n))
		}
		return spec.List(elems...)
	}
	panic("record: field " + f.name + " has a type that cannot be written")
}
