package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"hotline/ivr"
	"hotline/store"
)

// FormatCenter writes a center as the YAML that ParseCenter reads. Keys are in
// the order of the types, ids in their own.
func FormatCenter(c store.Center) ([]byte, error) {
	c.Flows = tidy(c.Flows)
	j, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("config: format: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(j))
	d.UseNumber()
	f := &formatter{in: d}
	if err := f.value(0, false); err != nil {
		return nil, fmt.Errorf("config: format: %w", err)
	}
	return bytes.TrimPrefix(f.out.Bytes(), []byte("\n")), nil
}

// tidy gives nodes the order that package ivr has for their fields, kind first.
func tidy(flows map[string]store.Flow) map[string]store.Flow {
	out := make(map[string]store.Flow, len(flows))
	for id, f := range flows {
		var read ivr.Flow
		if text, err := json.Marshal(f); err == nil && json.Unmarshal(text, &read) == nil {
			if nodes, err := json.Marshal(read.Nodes); err == nil {
				f.Nodes = nodes
			}
		}
		out[id] = f
	}
	return out
}

// formatter turns JSON's tokens into YAML.
type formatter struct {
	in  *json.Decoder
	out bytes.Buffer
}

// value writes the next value, after "key:" or, if item, after "-".
func (f *formatter) value(depth int, item bool) error {
	t, err := f.in.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return f.table(depth, item)
	case json.Delim('['):
		return f.list(depth)
	}
	f.out.WriteString(" " + scalar(t) + "\n")
	return nil
}

func (f *formatter) table(depth int, item bool) error {
	if !f.in.More() {
		f.out.WriteString(" {}\n")
	} else if !item {
		f.out.WriteString("\n")
	}
	for first := true; f.in.More(); first = false {
		key, err := f.in.Token()
		if err != nil {
			return err
		}
		if item && first {
			f.out.WriteString(" ") // behind the dash
		} else {
			f.out.WriteString(strings.Repeat("  ", depth))
		}
		f.out.WriteString(scalar(key) + ":")
		if err := f.value(depth+1, false); err != nil {
			return err
		}
	}
	_, err := f.in.Token()
	return err
}

// list writes scalars in one line, and else one item per line.
func (f *formatter) list(depth int) error {
	var simple []string
	begun := false
	for f.in.More() {
		mark := f.out.Len()
		if !begun {
			f.out.WriteString("\n")
		}
		f.out.WriteString(strings.Repeat("  ", depth) + "-")
		was := f.out.Len()
		if err := f.value(depth+1, true); err != nil {
			return err
		}
		written := f.out.String()[was:]
		if !begun && strings.Count(written, "\n") == 1 && !strings.Contains(written, ": ") && !strings.HasPrefix(written, " {") {
			simple = append(simple, strings.TrimSpace(written))
			f.out.Truncate(mark)
			continue
		}
		if !begun && len(simple) > 0 { // never in a center: lists are of one kind
			return fmt.Errorf("a list of mixed kinds")
		}
		begun = true
	}
	if !begun {
		f.out.WriteString(" [" + strings.Join(simple, ", ") + "]\n")
	}
	_, err := f.in.Token()
	return err
}

// bare are texts that need no quotes in YAML, also as keys and in brackets, and
// that no reader takes for a number, a date or a truth value.
var bare = regexp.MustCompile(`^\p{L}[\p{L}\p{Nd}_./-]*([ :+][\p{L}\p{Nd}_./-]+)*$|^([0-9]+(h|m|s|ms))+$`)

// words are those that a reader of YAML may take for something else.
var words = map[string]bool{
	"true": true, "false": true, "yes": true, "no": true, "on": true, "off": true, "null": true, "y": true, "n": true,
}

func scalar(t json.Token) string {
	switch v := t.(type) {
	case string:
		if bare.MatchString(v) && !words[strings.ToLower(v)] {
			return v
		}
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return `""`
		}
		return strings.TrimSpace(b.String())
	case nil:
		return "null"
	}
	return fmt.Sprint(t)
}
