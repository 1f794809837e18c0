package ivr

import (
	"maps"
	"slices"
	"strings"
)

// unreachable names the nodes that no caller can come to.
func (c *checker) unreachable() {
	if _, ok := c.flow.Nodes[c.flow.Start]; !ok {
		return // nothing is reachable then: said already
	}
	seen := c.flow.from(c.flow.Start, Node.edges)
	for _, name := range slices.Sorted(maps.Keys(c.flow.Nodes)) {
		if !seen[name] {
			c.add(nodePath(name), "no way leads to this node", "name it as the next of another node, or delete it")
		}
	}
}

// from are the nodes that can be reached from one, itself included.
func (f Flow) from(start string, edges func(Node) []edge) map[string]bool {
	seen := map[string]bool{start: true}
	for todo := []string{start}; len(todo) > 0; {
		n := f.Nodes[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		for _, e := range edges(n) {
			if _, ok := f.Nodes[e.to]; ok && !seen[e.to] {
				seen[e.to] = true
				todo = append(todo, e.to)
			}
		}
	}
	return seen
}

// unanswered is the way that a caller takes who presses nothing. Only hours
// have more than one.
func unanswered(n Node) []edge {
	all := n.edges()
	has := func(field string) bool {
		return slices.ContainsFunc(all, func(e edge) bool { return e.field == field })
	}
	switch {
	case kinds[n.Kind].ends:
		return nil
	case n.waits() && has("default"):
		return []edge{{"default", n.Default}}
	case n.waits() && n.Kind != KindSurvey && n.Kind != KindRatings && n.Kind != KindLanguage:
		return nil
	}
	return slices.DeleteFunc(all, func(e edge) bool { return e.field == "on_hangup" || e.field == "default" })
}

// loops names each circle of nodes that a caller who presses nothing never
// leaves. Without such circles each node has a way to an end.
func (c *checker) loops() {
	told := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(c.flow.Nodes)) {
		if told[name] {
			continue
		}
		circle := c.circle(name, unanswered)
		if len(circle) == 0 {
			continue
		}
		mark(told, circle)
		asked := slices.ContainsFunc(circle, func(name string) bool { return c.flow.Nodes[name].waits() })
		what := "a loop that never waits for the caller: "
		if asked {
			what = "a loop that a caller who presses nothing never leaves: "
		}
		c.add(nodePath(name), what+path(circle), "lead one of its nodes, or its default, to a queue, an agent, a number or a hangup")
	}
}

func mark(set map[string]bool, names []string) {
	for _, n := range names {
		set[n] = true
	}
}

func path(circle []string) string {
	if len(circle) > 12 {
		circle = append(circle[:12:12], "...")
	}
	return strings.Join(append(slices.Clone(circle), circle[0]), " -> ")
}

// circle is a shortest way from a node back to itself, without the return;
// nil if there is none.
func (c *checker) circle(start string, edges func(Node) []edge) []string {
	before := map[string]string{}
	for todo := []string{start}; len(todo) > 0; todo = todo[1:] {
		for _, e := range edges(c.flow.Nodes[todo[0]]) {
			if e.to == start {
				way := []string{todo[0]}
				for way[0] != start {
					way = slices.Insert(way, 0, before[way[0]])
				}
				return way
			}
			if _, seen := before[e.to]; seen {
				continue
			}
			if _, ok := c.flow.Nodes[e.to]; ok {
				before[e.to] = todo[0]
				todo = append(todo, e.to)
			}
		}
	}
	return nil
}
