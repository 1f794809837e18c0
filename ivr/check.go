package ivr

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Known is what a center has; a nil func is not asked, so nothing is refused.
type Known struct {
	Languages []string // prompts must exist in each; none = prompts are not checked
	Prompt    func(language, name string) bool
	Queue     func(id string) bool
	Agent     func(id string) bool
	Hours     func(name string) bool
	Skill     func(name string) bool
	Number    func(trunk, number string) bool // trunk "" = one of our own numbers
	Category  func(name string) bool          // of ratings
	Box       func(id string) bool            // mailbox
	Callback  func(queue string) bool         // the queue's callers may be called back
}

// checker gathers the problems of one flow.
type checker struct {
	flow     Flow
	known    Known
	problems []Problem
}

// Check finds what is wrong with a flow before a caller does: fields that a
// kind lacks or does not have, values out of range, names that nothing has,
// nodes never reached, loops that no caller gets out of. No problems: the flow
// runs to an end for every caller. The order of the problems is stable.
func Check(f Flow, known Known) []Problem {
	c := &checker{flow: f, known: known}
	if _, ok := f.Nodes[f.Start]; !ok {
		c.add("$.start", fmt.Sprintf("there is no node %q", f.Start), c.nodeNames())
	}
	for _, name := range slices.Sorted(maps.Keys(f.Nodes)) {
		c.node(name, f.Nodes[name])
	}
	c.unreachable()
	c.loops()
	return c.problems
}

func (c *checker) add(path, what, try string) {
	c.problems = append(c.problems, Problem{path, what, try})
}

func nodePath(name string) string { return "$.nodes." + quoted(name) }

func (c *checker) nodeNames() string {
	if len(c.flow.Nodes) == 0 {
		return "the flow has no nodes: write one"
	}
	names := slices.Sorted(maps.Keys(c.flow.Nodes))
	if len(names) > 12 {
		names = append(names[:12], "...")
	}
	return "nodes are " + strings.Join(names, ", ")
}

func (c *checker) node(name string, n Node) {
	path := nodePath(name)
	if !plain.MatchString(name) || len(name) > 64 {
		c.add(path, "a node's name has 1 to 64 letters, digits, - and _", "rename it")
	}
	if _, ok := kinds[n.Kind]; !ok {
		c.add(path+".kind", fmt.Sprintf("unknown kind %q", n.Kind), "kinds are "+strings.Join(Kinds(), ", "))
		return
	}
	c.fields(path, n)
	for _, e := range n.edges() {
		to, ok := c.flow.Nodes[e.to]
		switch {
		case !ok:
			c.add(path+"."+e.field, fmt.Sprintf("there is no node %q", e.to), c.nodeNames())
		case e.field == "on_hangup" && !kinds[to.Kind].silent:
			c.add(path+".on_hangup", fmt.Sprintf("node %q is a %s, which needs the caller", e.to, to.Kind), "name a set, hours or hangup node")
		}
	}
	c.bounds(path, n)
	c.kind(path, n)
	c.prompts(path, n)
}

// fields compares the fields that are set with those of the kind.
func (c *checker) fields(path string, n Node) {
	spec, v := kinds[n.Kind], reflect.ValueOf(n)
	for _, f := range slices.Sorted(maps.Keys(nodeFields)) {
		set := !v.Field(nodeFields[f]).IsZero() && !emptyList(v.Field(nodeFields[f]))
		must := slices.Contains(spec.must, f)
		switch {
		case f == "kind":
		case must && !set:
			c.add(path+"."+f, "a node of kind "+n.Kind+" needs "+f, example(n.Kind))
		case set && !must && !slices.Contains(spec.may, f):
			c.add(path+"."+f, misplaced(n.Kind, true), fieldsOf(n.Kind))
		}
	}
}

func emptyList(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// examples show each kind at its shortest.
var examples = map[string]string{
	KindPlay:      `{kind: play, prompts: [welcome], next: main}`,
	KindSay:       `{kind: say, as: number, var: count, next: main}`,
	KindMenu:      `{kind: menu, prompts: [menu-main], keys: {"1": sales}, default: sales}`,
	KindCollect:   `{kind: collect, prompts: [enter-number], into: account, next: main, default: sales}`,
	KindLanguage:  `{kind: language, languages: {"1": en, "2": zh}, next: main}`,
	KindHours:     `{kind: hours, hours: office, open: main, closed: sorry}`,
	KindQueue:     `{kind: queue, queue: sales}`,
	KindChoose:    `{kind: choose, queue: sales, hold: 30s}`,
	KindAgent:     `{kind: agent, agent: "1001", failed: sales}`,
	KindNumber:    `{kind: number, number: "4000"}`,
	KindSurvey:    `{kind: survey, items: [{name: service, prompts: [survey-service]}]}`,
	KindVoicemail: `{kind: voicemail, box: sales}`,
	KindMailbox:   `{kind: voicemail-box, box: sales}`,
	KindCallback:  `{kind: callback, queue: sales}`,
	KindRatings:   `{kind: ratings, next: main}`,
	KindSet:       `{kind: set, set: {topic: billing}, next: main}`,
	KindHangup:    `{kind: hangup, prompts: [goodbye]}`,
}

func example(kind string) string { return "for example " + examples[kind] }

// bounds checks the numbers and times that several kinds share.
func (c *checker) bounds(path string, n Node) {
	if n.Tries < 0 || n.Tries > maxTries {
		c.add(path+".tries", fmt.Sprintf("%d is not within 1 and %d", n.Tries, maxTries), "")
	}
	for _, s := range []struct {
		field string
		span  Span
	}{{"timeout", n.Timeout}, {"between", n.Between}} {
		if d := time.Duration(s.span); d < 0 || d > maxTimeout || d > 0 && d < 100*time.Millisecond {
			c.add(path+"."+s.field, fmt.Sprintf("%v is not within 100ms and %v", d, maxTimeout), "")
		}
	}
}

func (c *checker) kind(path string, n Node) {
	switch n.Kind {
	case KindSay:
		c.say(path, n)
	case KindMenu:
		for _, key := range slices.Sorted(maps.Keys(n.Keys)) {
			c.key(path+".keys."+quoted(key), key)
		}
	case KindCollect:
		c.collect(path, n)
	case KindLanguage:
		c.language(path, n)
	case KindHours:
		ask(c, path+".hours", "hours", n.Hours, c.known.Hours)
	case KindQueue:
		c.queue(path, n)
	case KindCallback:
		c.queue(path, n)
		if n.Queue != "" && c.known.Queue != nil && c.known.Queue(n.Queue) {
			ask(c, path+".queue", "callback in queue", n.Queue, c.known.Callback)
		}
	case KindVoicemail, KindMailbox:
		ask(c, path+".box", "mailbox", n.Box, c.known.Box)
	case KindChoose:
		c.queue(path, n)
		c.choose(path, n)
	case KindAgent:
		ask(c, path+".agent", "agent", n.Agent, c.known.Agent)
	case KindNumber:
		if c.known.Number != nil && n.Number != "" && !c.known.Number(n.Trunk, n.Number) {
			c.add(path+".number", fmt.Sprintf("there is no number %q%s", n.Number, through(n.Trunk)), "name one of the center's numbers, or trunk: and a number it may dial")
		}
	case KindSurvey, KindRatings:
		c.survey(path, n)
	case KindSet:
		for _, name := range slices.Sorted(maps.Keys(n.Set)) {
			c.variable(path+".set."+quoted(name), name)
		}
	}
}

func through(trunk string) string {
	if trunk == "" {
		return ""
	}
	return fmt.Sprintf(" through trunk %q", trunk)
}

func ask(c *checker, path, what, name string, known func(string) bool) {
	if known != nil && name != "" && !known(name) {
		c.add(path, fmt.Sprintf("there is no %s %q", what, name), "make it first, or correct the name")
	}
}

func (c *checker) key(path, key string) {
	if len(key) != 1 || !strings.Contains("0123456789*#ABCD", key) {
		c.add(path, fmt.Sprintf("%q is no key of a phone", key), "keys are 0 to 9, * and #")
	}
}

func (c *checker) variable(path, name string) {
	if !plain.MatchString(name) || len(name) > 64 {
		c.add(path, fmt.Sprintf("%q is no name of a variable", name), "use letters, digits, - and _")
	}
}

func (c *checker) say(path string, n Node) {
	if (n.Value == "") == (n.Var == "") {
		c.add(path+".value", "a say node has either value or var", example(KindSay))
	}
	if n.Var != "" {
		c.variable(path+".var", n.Var)
		if c.isSecret(n.Var) {
			c.add(path+".var", fmt.Sprintf("%q is secret: it can't be said", n.Var), "another variable")
		}
	}
	if !slices.Contains([]string{"number", "digits", "time", "money", "duration"}, n.As) {
		if n.As != "" {
			c.add(path+".as", fmt.Sprintf("can't say a value as %q", n.As), "write number, digits, time, money or duration")
		}
		return
	}
	if n.As == "money" && !slices.Contains(Currencies(), n.Currency) {
		c.add(path+".currency", fmt.Sprintf("no words for currency %q", n.Currency), "currencies are "+strings.Join(Currencies(), ", "))
	}
	if n.As != "money" && n.Currency != "" {
		c.add(path+".currency", "only money has a currency", "")
	}
	if n.Value != "" {
		if _, err := phrase(English, n.As, n.Value, n.Currency, time.Time{}); err != nil {
			c.add(path+".value", fmt.Sprintf("%q is %v", n.Value, err), "")
		}
	}
}

// isSecret is true for a variable that a collect node fills with a secret.
func (c *checker) isSecret(name string) bool {
	for _, n := range c.flow.Nodes {
		if n.Secret && n.Into == name {
			return true
		}
	}
	return false
}

func (c *checker) collect(path string, n Node) {
	c.variable(path+".into", n.Into)
	if n.MinDigits < 0 || n.MaxDigits < 0 || n.MaxDigits > limitDigits {
		c.add(path+".max_digits", fmt.Sprintf("digits are not within 1 and %d", limitDigits), "")
	} else if n.MinDigits > n.maxDigits() {
		c.add(path+".min_digits", fmt.Sprintf("%d is more than max_digits, %d", n.MinDigits, n.maxDigits()), "")
	}
	if n.Terminator != "" && n.Terminator != "#" && n.Terminator != "*" {
		c.add(path+".terminator", fmt.Sprintf("%q can't end an entry", n.Terminator), "write # or *")
	}
	if n.AtLeast != nil && n.AtMost != nil && *n.AtLeast > *n.AtMost {
		c.add(path+".at_least", fmt.Sprintf("%d is more than at_most, %d", *n.AtLeast, *n.AtMost), "")
	}
}

func (c *checker) language(path string, n Node) {
	if (n.Language == "") == (len(n.Languages) == 0) {
		c.add(path+".languages", "a language node has either language or languages", example(KindLanguage))
	}
	spoken := func(path, lang string) {
		if len(c.known.Languages) > 0 && !slices.Contains(c.known.Languages, lang) {
			c.add(path, fmt.Sprintf("no prompts in language %q", lang), "languages are "+strings.Join(c.known.Languages, ", "))
		}
	}
	if n.Language != "" {
		spoken(path+".language", n.Language)
		for _, f := range []struct {
			name string
			set  bool
		}{{"default", n.Default != ""}, {"tries", n.Tries != 0}, {"timeout", n.Timeout != 0}, {"wrong_input", len(n.WrongInput) > 0}, {"no_input", len(n.NoInput) > 0}} {
			if f.set {
				c.add(path+"."+f.name, "nothing is asked where language is set", "remove it")
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.Languages)) {
		p := path + ".languages." + quoted(key)
		c.key(p, key)
		spoken(p, n.Languages[key])
	}
}

func (c *checker) queue(path string, n Node) {
	ask(c, path+".queue", "queue", n.Queue, c.known.Queue)
	ask(c, path+".category", "category", n.Category, c.known.Category)
	for _, skill := range slices.Sorted(maps.Keys(n.Needs)) {
		p := path + ".needs." + quoted(skill)
		ask(c, p, "skill", skill, c.known.Skill)
		if level := n.Needs[skill]; level < 1 || level > 100 {
			c.add(p, fmt.Sprintf("level %d is not within 1 and 100", level), "")
		}
	}
}

func (c *checker) choose(path string, n Node) {
	if n.Most < 0 || n.Most > maxChoices {
		c.add(path+".most", fmt.Sprintf("%d is not within 1 and %d", n.Most, maxChoices), "nobody remembers more over a phone")
	}
	if d := time.Duration(n.Hold); d < 0 || d > maxHold || d > 0 && d < time.Second {
		c.add(path+".hold", fmt.Sprintf("%v is not within 1s and %v", d, maxHold), "")
	}
}

func (c *checker) survey(path string, n Node) {
	seen := map[string]bool{}
	for i, it := range n.Items {
		p := path + ".items[" + strconv.Itoa(i) + "]"
		c.variable(p+".name", it.Name)
		if seen[it.Name] {
			c.add(p+".name", fmt.Sprintf("item %q is asked twice", it.Name), "rename one")
		}
		seen[it.Name] = true
		if len(it.Prompts) == 0 {
			c.add(p+".prompts", "the item asks nothing", example(KindSurvey))
		}
	}
}

// prompts looks up each prompt a node names in each language of the center.
func (c *checker) prompts(path string, n Node) {
	if c.known.Prompt == nil {
		return
	}
	look := func(path string, names []string) {
		for i, name := range names {
			var missing []string
			for _, lang := range c.known.Languages {
				if !c.known.Prompt(lang, name) {
					missing = append(missing, lang)
				}
			}
			if len(missing) > 0 {
				c.add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("prompt %q is missing in %s", name, strings.Join(missing, ", ")), "add the recording, or correct the name")
			}
		}
	}
	look(path+".prompts", n.Prompts)
	look(path+".wrong_input", n.WrongInput)
	look(path+".no_input", n.NoInput)
	look(path+".thanks", n.Thanks)
	for i, it := range n.Items {
		look(fmt.Sprintf("%s.items[%d].prompts", path, i), it.Prompts)
	}
}
