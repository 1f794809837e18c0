package ivr

import (
	"maps"
	"slices"
)

// Kinds of nodes.
const (
	KindPlay      = "play"          // prompts
	KindSay       = "say"           // a number, digits, a time, money, a duration
	KindMenu      = "menu"          // one key chooses the next node
	KindCollect   = "collect"       // several digits into a variable
	KindLanguage  = "language"      // chosen by the caller, or set
	KindHours     = "hours"         // open, closed or holiday
	KindQueue     = "queue"         // ends: wait for an agent
	KindChoose    = "choose"        // ends: as queue, for an agent that the caller may choose
	KindAgent     = "agent"         // ends: ring this agent
	KindNumber    = "number"        // ends: dial a number
	KindVoicemail = "voicemail"     // ends: the caller leaves a message
	KindMailbox   = "voicemail-box" // ends: he hears messages, after a PIN
	KindCallback  = "callback"      // ends: he is called back when his turn comes
	KindSurvey    = "survey"        // ratings
	KindRatings   = "ratings"       // ratings of earlier contacts: heard, added, changed, deleted
	KindSet       = "set"           // variables
	KindHangup    = "hangup"        // ends: say goodbye
)

// kindSpec is the law for one kind: which fields beside kind a node must and
// may have, which of them name nodes, and how it behaves in a loop.
type kindSpec struct {
	must, may []string
	edges     func(n Node) []edge
	waits     bool // waits for the caller's keys
	ends      bool // ends the run
	silent    bool // can run when the caller is gone
}

// edge is one way out of a node: the field's path below the node, and the node
// it leads to.
type edge struct{ field, to string }

var asking = []string{"prompts", "interruptible", "on_hangup", "tries", "timeout", "wrong_input", "no_input"}

// kinds is the table that Parse, Check and Run go by. A kind not listed here
// does not exist: it is refused with the list of those that do.
var kinds = map[string]kindSpec{
	KindPlay: {
		must: []string{"prompts", "next"}, may: []string{"interruptible", "on_hangup"},
		edges: toNext,
	},
	KindSay: {
		must: []string{"as", "next"}, may: []string{"prompts", "interruptible", "on_hangup", "value", "var", "currency"},
		edges: toNext,
	},
	KindMenu: {
		must: []string{"prompts", "keys", "default"}, may: asking,
		edges: menuEdges, waits: true,
	},
	KindCollect: {
		must:  []string{"prompts", "into", "next", "default"},
		may:   append([]string{"min_digits", "max_digits", "secret", "terminator", "between", "at_least", "at_most"}, asking...),
		edges: toNext, waits: true,
	},
	KindLanguage: {
		must: []string{"next"}, may: append([]string{"language", "languages", "default"}, asking...),
		edges: toNext, waits: true, // without languages it does not wait: see Node.waits
	},
	KindHours: {
		must: []string{"hours", "open", "closed"}, may: []string{"holiday"},
		edges: hoursEdges, silent: true,
	},
	KindQueue: {
		must: []string{"queue"}, may: []string{"prompts", "interruptible", "needs", "category", "next", "overflow", "nobody"},
		edges: endEdges, ends: true,
	},
	KindChoose: {
		must:  []string{"queue"},
		may:   append([]string{"needs", "category", "most", "hold", "next", "overflow", "nobody"}, asking...),
		edges: endEdges, ends: true, waits: true,
	},
	KindAgent: {
		must: []string{"agent"}, may: []string{"prompts", "interruptible", "next", "failed"},
		edges: endEdges, ends: true,
	},
	KindNumber: {
		must: []string{"number"}, may: []string{"prompts", "interruptible", "trunk", "next", "failed"},
		edges: endEdges, ends: true,
	},
	KindVoicemail: {
		must: []string{"box"}, may: []string{"prompts", "interruptible", "next"},
		edges: endEdges, ends: true,
	},
	KindMailbox: {
		must: []string{"box"}, may: []string{"prompts", "interruptible", "next", "failed"},
		edges: endEdges, ends: true,
	},
	KindCallback: {
		must: []string{"queue"}, may: []string{"prompts", "interruptible", "needs", "category", "next", "failed"},
		edges: endEdges, ends: true,
	},
	KindSurvey: {
		must: []string{"items"}, may: append([]string{"next", "thanks"}, asking...),
		edges: toNext, waits: true,
	},
	KindRatings: {
		may: append([]string{"items", "next", "thanks"}, asking...), edges: toNext, waits: true,
	},
	KindSet: {
		must: []string{"set", "next"}, edges: toNext, silent: true,
	},
	KindHangup: {
		may: []string{"prompts", "interruptible"}, edges: noEdges, ends: true, silent: true,
	},
}

// Kinds lists the kinds of nodes.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// Fields lists the fields that a node of a kind must and may have beside kind.
func Fields(kind string) (must, may []string) {
	k := kinds[kind]
	may = slices.DeleteFunc(slices.Clone(k.may), func(f string) bool { return slices.Contains(k.must, f) })
	slices.Sort(may)
	return slices.Clone(k.must), may
}

func noEdges(Node) []edge { return nil }

func toNext(n Node) []edge { return []edge{{"next", n.Next}, {"default", n.Default}} }

func hoursEdges(n Node) []edge {
	return []edge{{"open", n.Open}, {"closed", n.Closed}, {"holiday", n.Holiday}}
}

func endEdges(n Node) []edge {
	return []edge{{"next", n.Next}, {"overflow", n.Overflow}, {"nobody", n.Nobody}, {"failed", n.Failed}}
}

func menuEdges(n Node) []edge {
	var out []edge
	for _, key := range slices.Sorted(maps.Keys(n.Keys)) {
		out = append(out, edge{"keys." + quoted(key), n.Keys[key]})
	}
	return append(out, edge{"default", n.Default})
}

// edges are all ways out of the node that name another.
func (n Node) edges() []edge {
	k, ok := kinds[n.Kind]
	if !ok {
		return nil
	}
	all := append(k.edges(n), edge{"on_hangup", n.OnHangup})
	return slices.DeleteFunc(all, func(e edge) bool { return e.to == "" })
}

// waits tells whether the node gives the caller a say.
func (n Node) waits() bool {
	return kinds[n.Kind].waits && (n.Kind != KindLanguage || n.Language == "")
}
