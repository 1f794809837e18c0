package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	yamlerrors "github.com/goccy/go-yaml"
)

// Limits of a file. The YAML library's time grows with the square of the depth.
const (
	maxFile  = 8 << 20 // bytes
	maxDepth = 64
	maxNodes = 1 << 19
)

// kind is the kind of a node, in words for people.
type kind string

const (
	empty   kind = "nothing"
	boolean kind = "true or false"
	number  kind = "a number"
	text    kind = "text"
	list    kind = "a list"
	table   kind = "a map"
)

// node is one value of a file, without what is special to YAML. Nodes are
// shared where the file repeats one by an alias.
type node struct {
	kind  kind
	text  string // of a scalar: as written, without quotes
	pos   Position
	keys  []entry // of a table
	items []*node // of a list
}

// entry is one key of a table.
type entry struct {
	name string
	pos  Position
	*node
}

// reader makes nodes of the library's syntax tree.
type reader struct {
	file     string
	path     []string // of the value being read
	anchors  map[string]*node
	nodes    int
	problems Problems
}

// parse reads a file of one YAML document whose top is a map.
func parse(file string, data []byte) (*node, Problems) {
	r := &reader{file: file, anchors: map[string]*node{}}
	if p := tooDeep(data); p.Line > 0 || len(data) > maxFile {
		what := fmt.Sprintf("nested deeper than %d levels", maxDepth)
		if len(data) > maxFile {
			what = fmt.Sprintf("larger than %d MB", maxFile>>20)
		}
		return nil, Problems{{File: file, Position: p, What: what, Try: "several smaller files"}}
	}
	docs, err := syntax(data)
	if err != nil {
		return nil, Problems{syntaxProblem(file, err)}
	}
	top := &node{kind: table}
	for i, d := range docs {
		if i > 0 && d.Body != nil {
			r.add(position(d.Body.GetToken()), "", "a second document", "one file for each")
			break
		}
		if d.Body == nil {
			continue
		}
		top = r.node(d.Body, 0)
		if top.kind == empty {
			top = &node{kind: table}
		}
		if top.kind != table && len(r.problems) == 0 {
			r.add(top.pos, "", "the file is "+string(top.kind)+", not a map", "key: value")
		}
	}
	return top, r.problems
}

// syntax guards against faults of the library: a panic in it is a refusal.
func syntax(data []byte) (docs []*ast.DocumentNode, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("not understood as YAML")
		}
	}()
	f, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, err
	}
	return f.Docs, nil
}

func syntaxProblem(file string, err error) Problem {
	p := Problem{File: file, What: err.Error()}
	var e yamlerrors.Error
	if errors.As(err, &e) {
		p.Position, p.What = position(e.GetToken()), e.GetMessage()
	}
	if strings.Contains(p.What, "cannot start any token") {
		p.Try = "spaces instead of a tab, quotes around special signs"
	} else if strings.Contains(p.What, "reserved character") || strings.Contains(p.What, "not allowed in this context") {
		p.Try = "quotes around the value, or look at the indentation"
	}
	return p
}

// tooDeep finds the line where brackets or list dashes are nested too deep, as
// far as can be told before parsing.
func tooDeep(data []byte) Position {
	open, line, column, dashes := 0, 1, 0, 0
	start := true // only blanks and dashes so far in this line
	for _, c := range data {
		column++
		switch c {
		case '\n':
			line, column, dashes, start = line+1, 0, 0, true
			continue
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		case '-', '?':
			if start {
				dashes++
			}
		case ' ', '\t', '\r':
		default:
			start = false
		}
		if open > maxDepth || dashes > maxDepth && start && c != '-' || dashes > 4*maxDepth {
			return Position{line, column}
		}
	}
	return Position{}
}

func position(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{}
	}
	return Position{t.Position.Line, max(1, t.Position.Column)}
}

func (r *reader) add(pos Position, path, what, try string) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{r.file, pos, path, what, try})
	}
}

// node is never nil.
func (r *reader) node(n ast.Node, depth int) *node {
	out := &node{kind: empty}
	if n == nil {
		return out
	}
	out.pos = position(n.GetToken())
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth {
		r.add(out.pos, "", "too many or too deeply nested values", "several smaller files")
		return out
	}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		out.kind, out.text = boolean, n.GetToken().Value
	case *ast.IntegerNode:
		out.kind, out.text = number, n.GetToken().Value
	case *ast.FloatNode:
		out.kind, out.text = number, n.GetToken().Value
	case *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = number, n.GetToken().Value
	case *ast.StringNode:
		out.kind, out.text = text, n.Value
	case *ast.LiteralNode:
		out.kind = text
		if n.Value != nil {
			out.text = n.Value.Value
		}
	case *ast.SequenceNode:
		out.kind = list
		for _, v := range n.Values {
			out.items = append(out.items, r.node(v, depth+1))
		}
	case *ast.MappingNode:
		r.table(out, n.Values, depth)
	case *ast.MappingValueNode:
		r.table(out, []*ast.MappingValueNode{n}, depth)
	case *ast.AnchorNode:
		out = r.node(n.Value, depth+1)
		r.anchors[name(n.Name)] = out
	case *ast.AliasNode:
		return r.alias(n, out)
	case *ast.CommentGroupNode:
	default:
		r.add(out.pos, strings.Join(r.path, "."), "YAML's tags, merge keys and directives are not understood", "plain values")
	}
	return out
}

func (r *reader) alias(n *ast.AliasNode, out *node) *node {
	id := name(n.Value)
	if to, ok := r.anchors[id]; ok {
		return to
	}
	r.add(out.pos, strings.Join(r.path, "."), fmt.Sprintf("*%s: a star at the beginning repeats the value marked &%s, and there is none", id, id),
		fmt.Sprintf("quotes: \"*%s\"", id))
	return out
}

func (r *reader) table(out *node, values []*ast.MappingValueNode, depth int) {
	out.kind = table
	seen := map[string]Position{}
	for _, v := range values {
		if v == nil || v.Key == nil {
			continue
		}
		pos := position(v.Key.GetToken())
		if out.keys == nil {
			out.pos = pos
		}
		id, ok := keyName(v.Key)
		if !ok {
			r.add(pos, "", "this key is not plain text", "the keys written out, without <<, & or *")
			continue
		}
		if first, twice := seen[id]; twice {
			r.add(pos, strings.Join(append(r.path, id), "."), fmt.Sprintf("is here twice, first in line %d", first.Line), "one of the two")
			continue
		}
		seen[id] = pos
		r.path = append(r.path, id)
		value := r.node(v.Value, depth+1)
		r.path = r.path[:len(r.path)-1]
		out.keys = append(out.keys, entry{id, pos, value})
	}
}

// keyName is the text of a key, whatever it looks like: 1001, true and null are
// names as well.
func keyName(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.MappingKeyNode:
		if n.Value == nil {
			return "", false
		}
		return keyName(n.Value)
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.NanNode, *ast.InfinityNode:
		return name(n), true
	}
	return "", false
}

// name is the text of a scalar as it is written.
func name(n ast.Node) string {
	if n == nil {
		return ""
	}
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	if t := n.GetToken(); t != nil {
		return t.Value
	}
	return ""
}
