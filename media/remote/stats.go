package remote

import (
	"reflect"
	"sync/atomic"

	"hotline/media"
)

// figures are the counters of an engine by the names of their fields.
type figures map[string]int64

// take reads all counters.
func take(st *media.Stats) figures {
	out := figures{}
	each(st, func(name string, f any) {
		switch f := f.(type) {
		case *atomic.Int64:
			out[name] = f.Load()
		case *atomic.Uint64:
			out[name] = int64(f.Load())
		}
	})
	return out
}

// put sets the counters of a mirror; names it does not have are passed over.
func (fs figures) put(st *media.Stats) {
	each(st, func(name string, f any) {
		v, ok := fs[name]
		if !ok {
			return
		}
		switch f := f.(type) {
		case *atomic.Int64:
			f.Store(v)
		case *atomic.Uint64:
			f.Store(uint64(v))
		}
	})
}

func each(st *media.Stats, do func(name string, field any)) {
	v := reflect.ValueOf(st).Elem()
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			do(f.Name, v.Field(i).Addr().Interface())
		}
	}
}
