package config

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"hotline/store"
)

// maxProblems is how many are told of one file.
const maxProblems = 50

// maxVisits bounds the work for a file that repeats itself by aliases.
const maxVisits = 1 << 19

// decoder fills Go values, whose json names are the keys, from nodes.
type decoder struct {
	file     string
	at       map[string]Position
	visits   int
	problems Problems
}

func (d *decoder) add(pos Position, path, what, try string) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, Problem{d.file, pos, path, what, try})
	}
}

// tired is true once a file has grown too large by its aliases.
func (d *decoder) tired(n *node) bool {
	if d.visits++; d.visits == maxVisits {
		d.add(n.pos, "", "too large once its aliases (*) are written out", "several smaller files")
	}
	return d.visits >= maxVisits
}

var (
	rawType      = reflect.TypeFor[json.RawMessage]()
	durationType = reflect.TypeFor[store.Duration]()
)

// value puts n into v. Nothing (null) leaves the zero value.
func (d *decoder) value(v reflect.Value, n *node, path string) {
	if n.kind == empty || d.tired(n) {
		return
	}
	if v.Type() == rawType {
		d.raw(v, n, path)
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.value(v.Elem(), n, path)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(u, v.Type(), n, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.fields(v, n, path)
	case reflect.Map:
		d.entries(v, n, path)
	case reflect.Slice:
		d.slice(v, n, path)
	default:
		d.scalar(v, n, path)
	}
}

func (d *decoder) text(u encoding.TextUnmarshaler, t reflect.Type, n *node, path string) {
	if n.kind != text && n.kind != number {
		d.wrong(n, path, "text", "")
		return
	}
	err := u.UnmarshalText([]byte(n.text))
	switch {
	case err == nil:
	case t == durationType && n.kind == number:
		d.add(n.pos, path, fmt.Sprintf("%s is a length of time without a unit", n.text), n.text+"s")
	case t == durationType:
		d.add(n.pos, path, fmt.Sprintf("%q is not a length of time", n.text), "30s, 2m or 1h30m")
	default:
		d.add(n.pos, path, err.Error(), "")
	}
}

// wrong says that a value is of another kind than wanted.
func (d *decoder) wrong(n *node, path, want, try string) {
	is := string(n.kind)
	if n.kind == text || n.kind == number {
		is = fmt.Sprintf("%s, %s", is, strconv.Quote(cut(n.text)))
	}
	d.add(n.pos, path, "must be "+want+", is "+is, try)
}

func cut(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}

// fieldsOf maps the keys of a struct to its fields' indices.
func fieldsOf(t reflect.Type) (names []string, index map[string]int) {
	index = map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
			index[name] = i
		}
	}
	return names, index
}

func (d *decoder) fields(v reflect.Value, n *node, path string) {
	names, index := fieldsOf(v.Type())
	if n.kind != table {
		d.wrong(n, path, "a map", strings.Join(names[:min(2, len(names))], ": ..., ")+": ...")
		return
	}
	for _, e := range n.keys {
		i, ok := index[e.name]
		if !ok {
			d.unknown(e, path, names)
			continue
		}
		d.entry(v.Field(i), e, path)
	}
}

func (d *decoder) unknown(e entry, path string, names []string) {
	what := fmt.Sprintf("unknown key %q", cut(e.name))
	d.add(e.pos, path, what, Suggest(e.name, names))
}

// entry notes the place of a key's value and reads it.
func (d *decoder) entry(v reflect.Value, e entry, path string) {
	path = join(path, e.name)
	d.place(e, path)
	d.value(v, e.node, path)
}

// place is where a fault of the value is shown: at a scalar itself, at the key
// of a map or list.
func (d *decoder) place(e entry, path string) {
	if _, known := d.at[path]; known {
		return
	}
	switch e.kind {
	case table, list, empty:
		d.at[path] = e.pos
	default:
		d.at[path] = e.node.pos
	}
}

func (d *decoder) entries(v reflect.Value, n *node, path string) {
	if n.kind != table {
		d.wrong(n, path, "a map", "id: value")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.keys)))
	for _, e := range n.keys {
		if e.name == "" {
			d.add(e.pos, path, "a key without a name", "an id")
			continue
		}
		one := reflect.New(v.Type().Elem()).Elem()
		d.entry(one, e, path)
		v.SetMapIndex(reflect.ValueOf(e.name).Convert(v.Type().Key()), one)
	}
}

func (d *decoder) slice(v reflect.Value, n *node, path string) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b, err := base64.StdEncoding.DecodeString(n.text)
		if err != nil || n.kind != text {
			d.wrong(n, path, "base64", "file: name.wav")
			return
		}
		v.SetBytes(b)
		return
	}
	if n.kind != list {
		d.wrong(n, path, "a list", "["+cut(n.text)+"]")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		at := join(path, strconv.Itoa(i))
		if _, known := d.at[at]; !known {
			d.at[at] = item.pos
		}
		d.value(v.Index(i), item, at)
	}
}

func (d *decoder) scalar(v reflect.Value, n *node, path string) {
	switch v.Kind() {
	case reflect.String:
		if n.kind != text && n.kind != number { // 4001 is a fine name; leading zeros are kept
			d.wrong(n, path, "text", quoteTry(n))
			return
		}
		v.SetString(n.text)
	case reflect.Bool:
		if n.kind != boolean {
			d.wrong(n, path, "true or false", boolTry(n))
			return
		}
		v.SetBool(strings.EqualFold(n.text, "true"))
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 10, v.Type().Bits())
		if err != nil || n.kind != number {
			d.wrong(n, path, "a whole number", "")
			return
		}
		v.SetInt(i)
	case reflect.Float64:
		x, err := strconv.ParseFloat(n.text, 64)
		is := n.kind == number || n.kind == text && strings.ContainsAny(n.text, "eE") // 1e-9 is text to the parser
		if err != nil || !is || math.IsNaN(x) || math.IsInf(x, 0) {
			d.wrong(n, path, "a number", "")
			return
		}
		v.SetFloat(x)
	default: // the center has no other kinds; a new one needs a case here
		d.wrong(n, path, "something that hotline can't read yet: "+v.Type().String(), "")
	}
}

func quoteTry(n *node) string {
	if n.kind == boolean {
		return strconv.Quote(n.text)
	}
	return ""
}

func boolTry(n *node) string {
	switch strings.ToLower(n.text) {
	case "yes", "on", "y", "1":
		return "true"
	case "no", "off", "n", "0":
		return "false"
	}
	return ""
}
