package call

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// sound is a center without a fault that has one of each kind.
func sound() store.Center {
	return store.Center{
		Settings: store.Settings{Language: "en", Zone: "Europe/Berlin", Survey: "bye"},
		Skills:   map[string]store.Skill{"spanish": {}},
		Agents:   map[string]store.Agent{"1001": {Queues: []string{"sales"}, Skills: map[string]int{"spanish": 5}, State: "ready"}},
		Queues:   map[string]store.Queue{"sales": {Overflow: "flow:bye", Nobody: "queue:back"}, "back": {}},
		Numbers:  map[string]store.Number{"4000": {To: "queue:sales", Trunks: []string{"world"}}},
		Flows:    map[string]store.Flow{"bye": {Start: "b", Nodes: []byte(`{"b": {"kind": "hangup", "prompts": ["goodbye"]}}`)}},
		Hours:    map[string]store.Hours{"office": {Open: []store.Open{{Days: "mon-fri", From: "09:00", To: "18:00"}}, Holidays: []string{"2026-12-25"}}},
		Trunks:   map[string]store.Trunk{"world": {Peers: []string{"sip:192.0.2.1"}, Addresses: []string{"192.0.2.0/28"}}},
	}
}

func TestASoundCenterHasNoProblem(t *testing.T) {
	if list := Check(sound()); len(list) != 0 {
		t.Errorf("got %+v, want none", list)
	}
	if list := Check(store.Center{}); len(list) != 0 {
		t.Errorf("an empty one: got %+v, want none", list)
	}
}

func TestEachFaultIsToldOnceWithItsPlaceAndWhatToDo(t *testing.T) {
	hour := store.Duration(time.Hour)
	long, negative := 30*hour, store.Duration(-1)
	for _, tc := range []struct {
		name  string
		spoil func(*store.Center)
		want  string // path, or several
	}{
		{"language", func(c *store.Center) { c.Settings.Language = "xx" }, "$.settings.language"},
		{"zone", func(c *store.Center) { c.Settings.Zone = "Berlin" }, "$.settings.zone"},
		{"survey", func(c *store.Center) { c.Settings.Survey = "x" }, "$.settings.survey"},
		{"longest call", func(c *store.Center) { c.Settings.MaxCall = negative }, "$.settings.max_call"},
		{"survey key", func(c *store.Center) { c.Settings.Keys = &store.Keys{Survey: "*a"} }, "$.settings.keys.survey"},
		{"code with letters", func(c *store.Center) { c.Settings.Codes = &store.Codes{Ready: "on"} }, "$.settings.codes.ready"},
		{"code twice", func(c *store.Center) { c.Settings.Codes = &store.Codes{Ready: "*1", LogOut: "*1"} }, "$.settings.codes.log_out"},
		{"skill's id", func(c *store.Center) { c.Skills["a b"] = store.Skill{} }, "$.skills.a b"},
		{"agent's id", func(c *store.Center) { c.Agents["../x"] = store.Agent{} }, "$.agents['../x']"},
		{"agent's language", change("1001", func(a *store.Agent) { a.Languages = []string{"en", "xx"} }), "$.agents.1001.languages[1]"},
		{"agent's skill", change("1001", func(a *store.Agent) { a.Skills = map[string]int{"x": 1} }), "$.agents.1001.skills.x"},
		{"agent's level", change("1001", func(a *store.Agent) { a.Skills = map[string]int{"spanish": 11} }), "$.agents.1001.skills.spanish"},
		{"agent's queue", change("1001", func(a *store.Agent) { a.Queues = []string{"x"} }), "$.agents.1001.queues[0]"},
		{"agent's contact", change("1001", func(a *store.Agent) { a.Contact = "mailto:a@b" }), "$.agents.1001.contact"},
		{"contact and trunk", change("1001", func(a *store.Agent) { a.Contact, a.Trunk, a.Number = "sip:a@192.0.2.7", "world", "110" }), "$.agents.1001.trunk"},
		{"agent's trunk", change("1001", func(a *store.Agent) { a.Trunk, a.Number = "x", "110" }), "$.agents.1001.trunk"},
		{"agent's number", change("1001", func(a *store.Agent) { a.Trunk = "world" }), "$.agents.1001.number"},
		{"agent's way out", change("1001", func(a *store.Agent) { a.Outbound = []string{"x"} }), "$.agents.1001.outbound[0]"},
		{"agent's wrap-up", change("1001", func(a *store.Agent) { a.WrapUp = &long }), "$.agents.1001.wrap_up"},
		{"agent's state", change("1001", func(a *store.Agent) { a.State = "asleep" }), "$.agents.1001.state"},
		{"agent's role", change("1001", func(a *store.Agent) { a.Role = "boss" }), "$.agents.1001.role"},
		{"queue's times", queue("sales", func(q *store.Queue) { q.HeadStart, q.MaxWait, q.RingTimeout = &negative, long, hour }),
			"$.queues.sales.head_start $.queues.sales.max_wait $.queues.sales.ring_timeout"},
		{"queue's length", queue("sales", func(q *store.Queue) { q.MaxLength = -1 }), "$.queues.sales.max_length"},
		{"queue's needs", queue("sales", func(q *store.Queue) { q.Needs = map[string]int{"x": 1} }), "$.queues.sales.needs.x"},
		{"overflow to nothing", queue("sales", func(q *store.Queue) { q.Overflow = "flow:x" }), "$.queues.sales.overflow"},
		{"overflow to nonsense", queue("sales", func(q *store.Queue) { q.Overflow = "heaven" }), "$.queues.sales.overflow"},
		{"nobody's queue", queue("sales", func(q *store.Queue) { q.Nobody = "queue:x" }), "$.queues.sales.nobody"},
		{"music", queue("sales", func(q *store.Queue) { q.Music = "x" }), "$.queues.sales.music"},
		{"queue's survey", queue("sales", func(q *store.Queue) { q.Survey = "x" }), "$.queues.sales.survey"},
		{"announcement", queue("sales", func(q *store.Queue) { q.Announce = &store.Announce{Every: long} }), "$.queues.sales.announce.every"},
		{"full queue to itself", queue("sales", func(q *store.Queue) { q.MaxLength, q.MaxWait, q.Overflow = 3, hour, "queue:sales" }), "$.queues.sales.overflow"},
		{"two queues for each other", queue("back", func(q *store.Queue) { q.Nobody = "queue:sales" }), "$.queues.back.nobody $.queues.sales.nobody"},
		{"number to nothing", func(c *store.Center) { c.Numbers["4000"] = store.Number{To: "agent:x"} }, "$.numbers.4000.to"},
		{"number to nowhere", func(c *store.Center) { c.Numbers["4000"] = store.Number{} }, "$.numbers.4000.to"},
		{"number's trunk and language", func(c *store.Center) {
			c.Numbers["+49.1"] = store.Number{To: "queue:sales", Trunks: []string{"x"}, Language: "xx"}
		}, "$.numbers['+49.1'].language $.numbers['+49.1'].trunks[0]"},
		{"flow without nodes", func(c *store.Center) { c.Flows["bye"] = store.Flow{} }, "$.flows.bye.start"},
		{"flow's prompt", func(c *store.Center) {
			c.Flows["bye"] = store.Flow{Start: "b", Nodes: []byte(`{"b": {"kind": "hangup", "prompts": ["x"]}}`)}
		}, "$.flows.bye.nodes.b.prompts[0]"},
		{"hours' zone", func(c *store.Center) { c.Hours["office"] = store.Hours{Zone: "x"} }, "$.hours.office.zone"},
		{"hours' span", func(c *store.Center) {
			c.Hours["office"] = store.Hours{Open: []store.Open{{Days: "x", From: "y", To: "z"}}, Holidays: []string{"Christmas"}}
		}, "$.hours.office.holidays[0] $.hours.office.open[0].days $.hours.office.open[0].from $.hours.office.open[0].to"},
		{"empty span", func(c *store.Center) {
			c.Hours["office"] = store.Hours{Open: []store.Open{{Days: "mon", From: "09:00", To: "9:00"}}}
		}, "$.hours.office.open[0].to"},
		{"trunk without anything", func(c *store.Center) { c.Trunks["new"] = store.Trunk{} }, "$.trunks.new"},
		{"trunk's peer", func(c *store.Center) { c.Trunks["new"] = store.Trunk{Peers: []string{"http://x"}} }, "$.trunks.new.peers[0]"},
		{"trunk's address", func(c *store.Center) { c.Trunks["new"] = store.Trunk{Addresses: []string{"192.0.2.300"}} }, "$.trunks.new.addresses[0]"},
		{"registration without user", func(c *store.Center) {
			c.Trunks["new"] = store.Trunk{Peers: []string{"sip:192.0.2.1"}, Register: true}
		}, "$.trunks.new.register"},
		{"hairpin", func(c *store.Center) { c.Trunks["new"] = store.Trunk{Addresses: []string{"::1"}, Hairpin: "yes"} }, "$.trunks.new.hairpin"},
		{"trunk's times", func(c *store.Center) {
			c.Trunks["new"] = store.Trunk{Addresses: []string{"::1"}, NoAnswer: hour, Expires: long}
		}, "$.trunks.new.expires $.trunks.new.no_answer"},
		{"prompt", func(c *store.Center) { c.Prompts = map[string]store.Prompt{"p": {"xx": {File: "a.wav"}, "en": {}}} }, "$.prompts.p.en $.prompts.p.xx"},
	} {
		c := sound()
		tc.spoil(&c)
		var paths []string
		for _, p := range Check(c) {
			paths = append(paths, p.Path)
			if p.What == "" || p.Try == "" {
				t.Errorf("%s: %+v says not what, or not what to do", tc.name, p)
			}
		}
		slices.Sort(paths)
		if got := strings.Join(paths, " "); got != tc.want {
			t.Errorf("%s: got problems at %q, want %q: %+v", tc.name, got, tc.want, Check(c))
		}
	}
}

func change(id string, f func(*store.Agent)) func(*store.Center) {
	return func(c *store.Center) {
		a := c.Agents[id]
		f(&a)
		c.Agents[id] = a
	}
}

func queue(id string, f func(*store.Queue)) func(*store.Center) {
	return func(c *store.Center) {
		q := c.Queues[id]
		f(&q)
		c.Queues[id] = q
	}
}
