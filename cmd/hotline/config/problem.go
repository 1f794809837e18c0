package config

import (
	"fmt"
	"strings"
)

// Position is a place in a file, from 1; the zero value is no place.
type Position struct {
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// Problem is one fault in a file.
type Problem struct {
	File string `json:"file"`
	Position
	Path string `json:"path,omitempty"` // "queues.sales.overflow"
	What string `json:"what"`
	Try  string `json:"try,omitempty"`
}

// String is "center.yaml:42:9: queues.sales.overflow: no flow x; try: ...".
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.Path != "" {
		b.WriteString(": " + p.Path)
	}
	b.WriteString(": " + p.What)
	if p.Try != "" {
		b.WriteString("; try: " + p.Try)
	}
	return b.String()
}

// Problems is the error of a file that is refused; never empty.
type Problems []Problem

// Error has a line for each.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Places are the positions of a file's paths.
type Places struct {
	File string
	at   map[string]Position
}

// Problem puts a fault at a path like $.queues.sales.overflow to its place in
// the file. A path that the file has not itself is shown at the object that it
// belongs to; without that, there is no position.
func (p Places) Problem(path, what, try string) Problem {
	path = normal(path)
	out := Problem{File: p.File, Path: path, What: what, Try: try}
	for at := path; at != ""; {
		if pos, ok := p.at[at]; ok {
			out.Position = pos
			break
		}
		i := strings.LastIndexByte(at, '.')
		if i < 0 || strings.Count(at, ".") < 2 && strings.Count(path, ".") >= 2 {
			break // agents.1001 is the least that says where to look
		}
		at = at[:i]
	}
	return out
}

// Has is true if the file names the path.
func (p Places) Has(path string) bool {
	_, ok := p.at[normal(path)]
	return ok
}

// normal gives a path one form: $.flows.a.keys.'*'[0] is flows.a.keys.*.0.
func normal(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "$"), ".")
	if !strings.ContainsAny(path, `['"`) {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case (c == '\'' || c == '"') && (i == 0 || path[i-1] == '.' || path[i-1] == '['):
			for i++; i < len(path) && path[i] != c; i++ { // up to the closing quote
				if path[i] == '\\' && i+1 < len(path) {
					i++
				}
				b.WriteByte(path[i])
			}
		case c == '[' && i > 0:
			b.WriteByte('.')
		case c == ']' || c == '[':
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// join makes a path longer by a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
