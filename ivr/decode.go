package ivr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of a flow's text.
const (
	maxFlowBytes = 1 << 20
	maxNodes     = 1000
)

// Problem is one thing wrong with a flow: where, what, and what to try.
type Problem struct {
	Path string `json:"path"` // $.nodes.main.keys.1, $.nodes.main.prompts[0]
	What string `json:"what"`
	Try  string `json:"try,omitempty"`
}

func (p Problem) String() string {
	if p.Try == "" {
		return p.Path + ": " + p.What
	}
	return p.Path + ": " + p.What + "; " + p.Try
}

// Problems is the error of Parse.
type Problems []Problem

// Error lists the problems, one per line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Parse reads a flow from JSON. Unknown fields, fields of another kind of node
// and values of a wrong type are refused; the error is then a Problems.
func Parse(text []byte) (Flow, error) {
	if len(text) > maxFlowBytes {
		return Flow{}, Problems{{"$", fmt.Sprintf("the flow has %d bytes, more than %d", len(text), maxFlowBytes), "split it into several flows"}}
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var raw any
	if err := dec.Decode(&raw); err != nil {
		return Flow{}, Problems{{"$", "not JSON: " + err.Error(), ""}}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Flow{}, Problems{{"$", "text after the flow", "remove it"}}
	}
	f, ps := Decode(raw)
	if len(ps) > 0 {
		return Flow{}, Problems(ps)
	}
	return f, nil
}

// UnmarshalJSON reads a flow as strictly as Parse does.
func (f *Flow) UnmarshalJSON(text []byte) (err error) {
	*f, err = Parse(text)
	return err
}

// Decode reads a flow from what a JSON or YAML library makes of a text: maps
// with text keys, lists, texts, numbers and booleans. The flow is usable only
// if there are no problems.
func Decode(raw any) (Flow, []Problem) {
	var f Flow
	m, ok := raw.(map[string]any)
	if !ok {
		return f, []Problem{{"$", "a flow is a map, not " + kindOf(raw), "write start: and nodes:"}}
	}
	d := &decoder{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch name {
		case "start":
			d.set(reflect.ValueOf(&f.Start).Elem(), m[name], "$.start")
		case "nodes":
			f.Nodes = d.nodes(m[name])
		default:
			d.problem("$."+quoted(name), "unknown field", "a flow has start and nodes")
		}
	}
	return f, d.problems
}

type decoder struct{ problems []Problem }

func (d *decoder) problem(path, what, try string) {
	d.problems = append(d.problems, Problem{path, what, try})
}

func (d *decoder) nodes(raw any) map[string]Node {
	if raw == nil {
		return nil
	}
	m, ok := raw.(map[string]any)
	if !ok {
		d.problem("$.nodes", "nodes are a map, not "+kindOf(raw), "write main: {kind: menu, ...}")
		return nil
	}
	if len(m) > maxNodes {
		d.problem("$.nodes", fmt.Sprintf("%d nodes are more than %d", len(m), maxNodes), "split the flow")
		return nil
	}
	out := make(map[string]Node, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out[name] = d.node(m[name], "$.nodes."+quoted(name))
	}
	return out
}

func (d *decoder) node(raw any, path string) Node {
	var n Node
	m, ok := raw.(map[string]any)
	if !ok {
		d.problem(path, "a node is a map, not "+kindOf(raw), "write {kind: menu, ...}")
		return n
	}
	kind, ok := m["kind"].(string)
	spec, known := kinds[kind]
	switch {
	case !ok:
		d.problem(path+".kind", "the node has no kind", "kinds are "+strings.Join(Kinds(), ", "))
		return n
	case !known:
		d.problem(path+".kind", fmt.Sprintf("unknown kind %q", kind), "kinds are "+strings.Join(Kinds(), ", "))
		return n
	}
	v := reflect.ValueOf(&n).Elem()
	for _, name := range slices.Sorted(maps.Keys(m)) {
		i, exists := nodeFields[name]
		switch {
		case name != "kind" && !slices.Contains(spec.must, name) && !slices.Contains(spec.may, name):
			d.problem(path+"."+quoted(name), misplaced(kind, exists), fieldsOf(kind))
		default:
			d.set(v.Field(i), m[name], path+"."+quoted(name))
		}
	}
	return n
}

func misplaced(kind string, exists bool) string {
	if exists {
		return "a node of kind " + kind + " has no such field"
	}
	return "unknown field"
}

func fieldsOf(kind string) string {
	must, may := Fields(kind)
	return kind + " has " + strings.Join(append(must, may...), ", ")
}

// nodeFields maps a field's name in the text to its index in Node.
var nodeFields = func() map[string]int {
	out := map[string]int{}
	for t, i := reflect.TypeFor[Node](), 0; i < t.NumField(); i++ {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		out[name] = i
	}
	return out
}()

// set puts a decoded value into a field of Node, or says why it can't.
func (d *decoder) set(v reflect.Value, raw any, path string) {
	switch p := v.Addr().Interface().(type) {
	case *string:
		*p = d.text(raw, path)
	case *Span:
		*p = d.span(raw, path)
	case *int:
		*p = int(d.number(raw, path, math.MaxInt32))
	case **int64:
		n := d.number(raw, path, math.MaxInt64)
		*p = &n
	case *bool:
		*p = d.truth(raw, path)
	case **bool:
		b := d.truth(raw, path)
		*p = &b
	case *[]string:
		*p = list(d, raw, path, d.text)
	case *[]Item:
		*p = list(d, raw, path, d.item)
	case *map[string]string:
		*p = dict(d, raw, path, d.text)
	case *map[string]int:
		*p = dict(d, raw, path, func(raw any, path string) int { return int(d.number(raw, path, math.MaxInt32)) })
	default:
		panic("ivr: no decoder for " + v.Type().String()) // a field of Node was added without one
	}
}

func (d *decoder) truth(raw any, path string) bool {
	b, ok := raw.(bool)
	if !ok {
		d.problem(path, "must be true or false, is "+kindOf(raw), "write true or false, without quotes")
	}
	return b
}

func (d *decoder) text(raw any, path string) string {
	s, ok := raw.(string)
	if !ok {
		// A number without quotes may have lost its leading zeros on the way.
		d.problem(path, "must be text, is "+kindOf(raw), `put it in quotes, as in "1001"`)
	}
	return s
}

func (d *decoder) span(raw any, path string) Span {
	s, _ := raw.(string)
	t, err := time.ParseDuration(s)
	if err != nil {
		d.problem(path, "must be a time span, is "+kindOf(raw), "write 5s or 1m30s")
	}
	return Span(t)
}

func (d *decoder) number(raw any, path string, most int64) int64 {
	var n int64
	ok := true
	switch x := raw.(type) {
	case json.Number:
		v, err := x.Int64()
		n, ok = v, err == nil
	case float64:
		n, ok = int64(x), x == math.Trunc(x) && math.Abs(x) < 1<<53
	case int:
		n = int64(x)
	case int64:
		n = x
	case uint64:
		n, ok = int64(x), x <= math.MaxInt64
	default:
		ok = false
	}
	if !ok || n > most || n < -most {
		d.problem(path, "must be a whole number, is "+kindOf(raw), "")
		return 0
	}
	return n
}

func (d *decoder) item(raw any, path string) Item {
	var it Item
	m, ok := raw.(map[string]any)
	if !ok {
		d.problem(path, "an item is a map, not "+kindOf(raw), "write {name: service, prompts: [...]}")
		return it
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch name {
		case "name":
			it.Name = d.text(m[name], path+".name")
		case "prompts":
			it.Prompts = list(d, m[name], path+".prompts", d.text)
		default:
			d.problem(path+"."+quoted(name), "unknown field", "an item has name and prompts")
		}
	}
	return it
}

func list[T any](d *decoder, raw any, path string, one func(any, string) T) []T {
	l, ok := raw.([]any)
	if !ok {
		d.problem(path, "must be a list, is "+kindOf(raw), "write [a, b]")
		return nil
	}
	out := make([]T, 0, len(l))
	for i, x := range l {
		out = append(out, one(x, fmt.Sprintf("%s[%d]", path, i)))
	}
	return out
}

func dict[T any](d *decoder, raw any, path string, one func(any, string) T) map[string]T {
	m, ok := raw.(map[string]any)
	if !ok {
		d.problem(path, "must be a map, is "+kindOf(raw), "write {a: b}")
		return nil
	}
	out := make(map[string]T, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out[k] = one(m[k], path+"."+quoted(k))
	}
	return out
}

// kindOf names a decoded value's type for people.
func kindOf(raw any) string {
	switch raw.(type) {
	case nil:
		return "empty"
	case string:
		return "text"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case json.Number, float64, int, int64, uint64:
		return "a number"
	}
	return fmt.Sprintf("a %T", raw)
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// quoted writes a map's key as a part of a path.
func quoted(key string) string {
	if plain.MatchString(key) {
		return key
	}
	return "'" + strings.ReplaceAll(key, "'", "\\'") + "'"
}
