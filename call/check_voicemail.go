package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/store"
)

func (k *check) mailbox(id string, b store.Mailbox) {
	k.id("voicemail", id)
	path := func(field string) string { return at("voicemail", id, field) }
	if b.Agent == "" && len(b.Agents) == 0 {
		k.add(path(""), "nobody hears the messages", "agent: whose box it is, or agents: who share it")
	}
	if b.Agent != "" {
		k.agentRef(path("agent"), b.Agent)
	}
	k.agentRefs(path("agents"), b.Agents)
	if b.Greeting != "" && !hasPrompt(k.c, "en", b.Greeting) {
		k.add(path("greeting"), fmt.Sprintf("no prompt %q", b.Greeting), "a prompt of the center")
	}
	k.span(path("max_length"), b.MaxLength, messageMost)
	if what, try := pinProblem(b.PIN, 4); what != "" {
		k.add(path("pin"), what, try)
	}
	if b.Notify != nil {
		k.notify(path("notify"), *b.Notify)
	}
}

func (k *check) agentRef(path, agent string) {
	if _, ok := k.c.Agents[agent]; !ok {
		k.add(path, fmt.Sprintf("no agent %q", agent), choice("agents", k.c.Agents))
	}
}

func (k *check) hoursRef(path, hours string) {
	if _, ok := k.c.Hours[hours]; !ok && hours != "" {
		k.add(path, fmt.Sprintf("no hours %q", hours), choice("hours", k.c.Hours))
	}
}

func (k *check) notify(path string, n store.Notify) {
	agent, isAgent := strings.CutPrefix(n.To, "agent:")
	switch {
	case isAgent:
		k.agentRef(path+".to", agent)
	case !dialable(n.To):
		k.add(path+".to", fmt.Sprintf("%q can't be called", n.To), "a number, or agent:ID")
	case n.Trunk == "" && !k.ruled():
		k.add(path+".trunk", "no trunk for the number", choice("trunks", k.c.Trunks)+", or rules in settings.outbound")
	}
	if _, err := (&world{center: k.c}).own(n.Trunk, n.To, anyRule); !isAgent && k.ruled() && err != nil {
		k.add(path+".to", "the rules forbid it: "+err.Error(), "a number that settings.outbound permits")
	}
	k.trunkRef(path+".trunk", n.Trunk)
	k.count(path+".tries", &n.Tries, 0, notifyMost)
	k.span(path+".pause", n.Pause, 24*time.Hour)
	k.hoursRef(path+".hours", n.Hours)
}

// boxRef is a mailbox that exists; with a PIN where it is heard from outside.
func (k *check) boxRef(path, id string, heard bool) {
	b, ok := k.c.Voicemail[id]
	switch {
	case !ok:
		k.add(path, fmt.Sprintf("no voicemail %q", id), choice("voicemail", k.c.Voicemail))
	case heard && b.PIN == "":
		k.add(path, fmt.Sprintf("box %q has no PIN, so nobody can hear it from outside", id), "pin: in voicemail, "+id)
	}
}

// ruled tells whether there are rules for numbers outside.
func (k *check) ruled() bool {
	o := k.c.Settings.Outbound
	return o != nil && len(o.Rules) > 0
}

// Bounds of callbacks.
const (
	callbackMost   = 10  // tries
	callbackShares = 100 // that one number may have waiting
)

func (k *check) callback(id string, q store.Queue) {
	b := q.Callback
	if b == nil {
		return
	}
	path := at("queues", id, "callback")
	if q.Direct {
		k.add(path, "callers of a direct queue are not answered, so none can ask for a callback", "without direct, or without callback")
	}
	if b.Key != "" && (len(b.Key) != 1 || !strings.Contains("0123456789*#", b.Key)) {
		k.add(path+".key", fmt.Sprintf("%q is no key of a phone", b.Key), "keys are 0 to 9, * and #")
	}
	if b.Trunk == "" && !k.ruled() {
		k.add(path+".trunk", "no trunk over which customers are called", choice("trunks", k.c.Trunks)+", or rules in settings.outbound")
	}
	k.trunkRef(path+".trunk", b.Trunk)
	if b.Show != "" && !dialable(b.Show) {
		k.add(path+".show", fmt.Sprintf("%q is no number", b.Show), "digits with an optional +")
	}
	k.count(path+".tries", &b.Tries, 0, callbackMost)
	k.span(path+".pause", b.Pause, 24*time.Hour)
	k.hoursRef(path+".hours", b.Hours)
	k.count(path+".most_per_number", &b.MostPerNumber, 0, callbackShares)
	for i, p := range b.Prefixes {
		if !prefixPattern.MatchString(p) || slices.Index(b.Prefixes, p) < i {
			k.add(fmt.Sprintf("%s.prefixes[%d]", path, i), fmt.Sprintf("%q is no beginning of a number, or there twice", p), "up to 15 digits with an optional +, such as +4930")
		}
		if o := k.c.Settings.Outbound; o != nil && o.Country != "" && foreign(o, p) && len(abroad(o, p)) > len(o.Country) {
			k.add(fmt.Sprintf("%s.prefixes[%d]", path, i), fmt.Sprintf("%q is abroad, where nobody is called back", p), "beginnings of numbers of our country, "+o.Country)
		}
	}
}
