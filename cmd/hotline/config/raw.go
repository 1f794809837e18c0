package config

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"hotline/ivr"
)

// nodesType tells which values of a flow's nodes are text, so that agent: 1001
// needs no quotes. What a node may have is judged by package ivr.
var nodesType = reflect.TypeFor[map[string]ivr.Node]()

// raw turns a flow's nodes into JSON and notes all their places.
func (d *decoder) raw(v reflect.Value, n *node, path string) {
	b, err := json.Marshal(d.plain(n, nodesType, path, 0))
	if err != nil {
		d.add(n.pos, path, "can't be written as JSON: "+err.Error(), "")
		return
	}
	v.SetBytes(b)
}

// plain is the value as a JSON library makes it. The type is a hint, nil for
// none.
func (d *decoder) plain(n *node, hint reflect.Type, path string, depth int) any {
	if d.tired(n) || n.kind == empty {
		return nil
	}
	if depth > maxDepth {
		d.add(n.pos, path, "nested too deep", "")
		return nil
	}
	for hint != nil && hint.Kind() == reflect.Pointer {
		hint = hint.Elem()
	}
	switch n.kind {
	case table:
		m := make(map[string]any, len(n.keys))
		for _, e := range n.keys {
			at := join(path, e.name)
			d.place(e, at)
			m[e.name] = d.plain(e.node, below(hint, e.name), at, depth+1)
		}
		return m
	case list:
		l := make([]any, len(n.items))
		for i, item := range n.items {
			at := join(path, strconv.Itoa(i))
			if _, known := d.at[at]; !known {
				d.at[at] = item.pos
			}
			l[i] = d.plain(item, below(hint, ""), at, depth+1)
		}
		return l
	case boolean:
		return strings.EqualFold(n.text, "true")
	case number:
		plain := strings.TrimPrefix(strings.ReplaceAll(n.text, "_", ""), "+")
		if !wantsText(hint) && json.Valid([]byte(plain)) {
			return json.Number(plain)
		}
	}
	return n.text
}

// below is the hint for a key, or for the items of a list.
func below(hint reflect.Type, key string) reflect.Type {
	if hint == nil {
		return nil
	}
	switch hint.Kind() {
	case reflect.Map, reflect.Slice:
		return hint.Elem()
	case reflect.Struct:
		if _, index := fieldsOf(hint); key != "" {
			if i, ok := index[key]; ok {
				return hint.Field(i).Type
			}
		}
	}
	return nil
}

func wantsText(hint reflect.Type) bool {
	return hint != nil && hint.Kind() == reflect.String
}
