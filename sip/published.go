package sip

import (
	"cmp"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Bounds of what is published.
const (
	maxLamps     = 8     // calls of one address in a document
	maxPublished = 20000 // addresses with something to tell
)

// DialogInfo is one call of a watched address, for a lamp (RFC 4235).
type DialogInfo struct {
	ID        string  // tells the calls of one address apart
	State     string  // "trying", "proceeding", "early", "confirmed", "terminated"
	Incoming  bool    // the address is being called; false: it calls
	Remote    Address // the other side; zero: not shown
	CallID    string  // with both tags: who watches may pick the call up by Replaces
	LocalTag  string
	RemoteTag string
	Held      bool // the address holds the call
}

// lampStates are the states of RFC 4235, 3.7.1.
var lampStates = map[string]bool{"trying": true, "proceeding": true, "early": true, "confirmed": true, "terminated": true}

// published is what watchers are told, and who they are. Safe for many workers.
type published struct {
	mu       sync.Mutex // guards all below
	dialogs  map[string][]DialogInfo
	messages map[string][2]int // unheard, heard
	watchers map[watched]map[*subscription]Subscription
	count    int
	each     map[Peer]int
}

// watched is what a subscription is for.
type watched struct{ kind, aor string }

// PublishDialogState sets all calls of an address: a user part, such as an agent's
// account or a queue's number. Who watches it is told, at most once a second. No
// call is a dark lamp. Up to 8 calls are told; the rest is left out.
func (e *Endpoint) PublishDialogState(aor string, calls ...DialogInfo) {
	if e.published.setDialogs(aor, calls) {
		e.tellWatchers(watched{packageDialog, aor})
	}
}

// PublishMessages sets how many voice messages wait for an account: new ones, and
// old ones that were heard before (RFC 3842).
func (e *Endpoint) PublishMessages(aor string, unheard, heard int) {
	if e.published.setMessages(aor, max(unheard, 0), max(heard, 0)) {
		e.tellWatchers(watched{packageMessages, aor})
	}
}

// Subscriptions are those that stand now, sorted by what they watch.
func (e *Endpoint) Subscriptions() []Subscription { return e.published.list() }

// tellWatchers has each worker tell the watchers it owns.
func (e *Endpoint) tellWatchers(what watched) {
	for w, all := range e.published.of(what) {
		w.post(func() {
			for _, s := range all {
				w.busy = s.d
				s.changed()
			}
		})
	}
}

// setDialogs is false if nothing changed.
func (p *published) setDialogs(aor string, calls []DialogInfo) bool {
	kept := make([]DialogInfo, 0, min(len(calls), maxLamps))
	for _, c := range calls {
		if lampStates[c.State] && len(kept) < maxLamps {
			kept = append(kept, c)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Equal(kept, p.dialogs[aor]) || len(p.dialogs) >= maxPublished && p.dialogs[aor] == nil {
		return false
	}
	if p.dialogs == nil {
		p.dialogs = map[string][]DialogInfo{}
	}
	if p.dialogs[aor] = kept; len(kept) == 0 {
		delete(p.dialogs, aor)
	}
	return true
}

func (p *published) setMessages(aor string, unheard, heard int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := [2]int{unheard, heard}
	old, known := p.messages[aor]
	if old == now || !known && len(p.messages) >= maxPublished {
		return false
	}
	if p.messages == nil {
		p.messages = map[string][2]int{}
	}
	if p.messages[aor] = now; now == [2]int{} {
		delete(p.messages, aor)
	}
	return true
}

// of are the watchers of something, by the worker that owns them.
func (p *published) of(what watched) map[*worker][]*subscription {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[*worker][]*subscription{}
	for s := range p.watchers[what] {
		all[s.d.w] = append(all[s.d.w], s)
	}
	return all
}

// admit counts one more subscription in; false if there is no room.
func (p *published) admit(who Peer, most int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count >= most || p.each[who] >= subscribeEach {
		return false
	}
	if p.each == nil {
		p.each = map[Peer]int{}
	}
	p.count++
	p.each[who]++
	return true
}

func (p *published) enter(s *subscription, source string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what := watched{s.kind, s.aor}
	if p.watchers == nil {
		p.watchers = map[watched]map[*subscription]Subscription{}
	}
	if p.watchers[what] == nil {
		p.watchers[what] = map[*subscription]Subscription{}
	}
	p.watchers[what][s] = Subscription{Event: s.kind, AOR: s.aor, By: s.by, Source: source}
}

// extend shows the new end of a subscription.
func (p *published) extend(s *subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.watchers[watched{s.kind, s.aor}][s]; ok {
		v.Expires = s.until
		p.watchers[watched{s.kind, s.aor}][s] = v
	}
}

func (p *published) leave(s *subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	what := watched{s.kind, s.aor}
	if _, ok := p.watchers[what][s]; !ok {
		return
	}
	delete(p.watchers[what], s)
	if len(p.watchers[what]) == 0 {
		delete(p.watchers, what)
	}
	p.count--
	if p.each[s.by]--; p.each[s.by] <= 0 {
		delete(p.each, s.by)
	}
}

func (p *published) list() (all []Subscription) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.watchers {
		for _, v := range m {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b Subscription) int {
		return cmp.Or(cmp.Compare(a.Event, b.Event), cmp.Compare(a.AOR, b.AOR), cmp.Compare(a.Source, b.Source), a.Expires.Compare(b.Expires))
	})
	return all
}

// document is the whole state that a subscription is for.
func (p *published) document(s *subscription) []byte {
	p.mu.Lock()
	calls, messages := p.dialogs[s.aor], p.messages[s.aor]
	p.mu.Unlock()
	if s.kind == packageMessages {
		return messageSummary(s.entity, messages[0], messages[1])
	}
	return dialogInfo(s.entity, s.version, calls)
}

// messageSummary is RFC 3842, 5.2.
func messageSummary(account string, unheard, heard int) []byte {
	waiting := "no"
	if unheard > 0 {
		waiting = "yes"
	}
	return []byte("Messages-Waiting: " + waiting + "\r\nMessage-Account: " + account +
		"\r\nVoice-Message: " + itoa(unheard) + "/" + itoa(heard) + " (0/0)\r\n")
}

// dialogInfo is a full document of RFC 4235, 4.
func dialogInfo(entity string, version uint32, calls []DialogInfo) []byte {
	var b strings.Builder
	attr := func(name, value string) {
		if value == "" {
			return
		}
		b.WriteString(" " + name + `="`)
		xml.EscapeText(&b, []byte(value))
		b.WriteByte('"')
	}
	b.WriteString("<?xml version=\"1.0\"?>\r\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"")
	attr("version", strconv.FormatUint(uint64(version), 10))
	attr("state", "full")
	attr("entity", entity)
	b.WriteString(">\r\n")
	for i, c := range calls {
		b.WriteString("<dialog")
		attr("id", cmp.Or(c.ID, itoa(i+1)))
		attr("call-id", c.CallID)
		attr("local-tag", c.LocalTag)
		attr("remote-tag", c.RemoteTag)
		if c.Incoming {
			attr("direction", "recipient")
		} else {
			attr("direction", "initiator")
		}
		b.WriteString("><state>" + c.State + "</state>\r\n<local><identity>")
		xml.EscapeText(&b, []byte(entity))
		b.WriteString("</identity><target")
		attr("uri", entity)
		b.WriteByte('>')
		if c.Held {
			b.WriteString(`<param pname="+sip.rendering" pval="no"/>`)
		}
		b.WriteString("</target></local>\r\n")
		if c.Remote.User != "" || c.Remote.Host != "" {
			uri := c.Remote.uri()
			b.WriteString("<remote><identity")
			attr("display", c.Remote.Display)
			b.WriteByte('>')
			xml.EscapeText(&b, []byte(uri))
			b.WriteString("</identity><target")
			attr("uri", uri)
			b.WriteString("/></remote>\r\n")
		}
		b.WriteString("</dialog>\r\n")
	}
	b.WriteString("</dialog-info>\r\n")
	return []byte(b.String())
}
