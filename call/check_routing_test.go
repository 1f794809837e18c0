package call

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/acd"
	"hotline/store"
)

func ptr[T any](v T) *T { return &v }

// fair is a center that uses all that routing can be told.
func fair() store.Center {
	c := sound()
	c.Settings.Categories = []string{"attitude", "knowledge"}
	c.Settings.Ratings = &store.Ratings{HalfLife: store.Duration(30 * 24 * time.Hour), Prior: 3.8, PriorWeight: 4, Recovery: 0.2}
	c.Settings.Tiers = map[string]store.Tier{"gold": {Standing: 0.2, Priority: store.Duration(time.Minute)}}
	a := c.Agents["1001"]
	a.Order, a.Capacity, a.Tell = 2, map[string]int{"chat": 3}, "cue"
	c.Agents["1001"] = a
	q := c.Queues["sales"]
	q.Strategy, q.Priority, q.B, q.Guard, q.Band = "counted", store.Duration(10*time.Second), ptr(2.0), store.Duration(time.Minute), ptr(0.0)
	q.Window, q.Overtakes, q.Skips, q.Sight, q.Lambda = store.Duration(time.Hour), ptr(0), ptr(3), ptr(12), ptr(0.1)
	q.Relax = []store.Relax{{After: store.Duration(30 * time.Second), Needs: map[string]int{"spanish": 2}}, {After: store.Duration(time.Minute), Needs: map[string]int{"spanish": 0}}}
	q.RingMost, q.Declines, q.DeclinesPerCall, q.Control, q.Category = 4, ptr(0), ptr(1), ptr(0.25), "knowledge"
	q.LastAgent, q.Preferred, q.Hours, q.Closed, q.RateCustomer = store.Duration(20*time.Second), store.Duration(10*time.Second), "office", "flow:bye", "keys"
	c.Queues["sales"] = q
	n := c.Numbers["4000"]
	n.Agents = []string{"1001"}
	n.Regions = []store.Region{{Prefixes: []string{"+49", "0049"}, Queues: []string{"back"}}, {Prefixes: []string{"+4930"}, Agents: []string{"1001"}}}
	c.Numbers["4000"] = n
	return c
}

func TestAFairCenterHasNoProblemAndReachesTheACD(t *testing.T) {
	c := fair()
	if list := Check(c); len(list) != 0 {
		t.Fatalf("problems: got %+v, want none", list)
	}
	w := &world{center: c}
	ev := w.configure()
	got := ev.Queues[slices.IndexFunc(ev.Queues, func(q acd.Queue) bool { return q.ID == "sales" })]
	want := acd.Queue{ID: "sales", Strategy: acd.Counted, Priority: 10 * time.Second, B: 2, T: time.Minute, Band: got.Band, Window: time.Hour,
		Overtakes: got.Overtakes, Skips: got.Skips, Sight: 12, Lambda: got.Lambda, RingMost: 4, Declines: -1, DeclinesPerCall: 1,
		Relax:       []acd.Relax{{After: 30 * time.Second, Needs: map[string]int{"spanish": 2}}, {After: time.Minute, Needs: map[string]int{"spanish": 0}}},
		RingTimeout: 20 * time.Second, WrapUp: 15 * time.Second, BackOff: 30 * time.Second, LeaveWhenNobody: true, MissedNotReady: true}
	if g, w := jsonOf(t, got), jsonOf(t, want); g != w {
		t.Errorf("queue: got %s, want %s", g, w)
	}
	if *got.Band != 0 || *got.Overtakes != 0 || *got.Skips != 3 || *got.Lambda != 0.1 {
		t.Errorf("band, overtakes, skips, lambda: got %v, %v, %v, %v, want 0, 0, 3, 0.1", *got.Band, *got.Overtakes, *got.Skips, *got.Lambda)
	}
	if a := ev.Agents[0]; a.Order != 2 || a.Capacity["chat"] != 3 {
		t.Errorf("agent: got %+v, want order 2 and three chats", a)
	}
	if g := (acd.GradeRules{HalfLife: 720 * time.Hour, Prior: 3.8, PriorWeight: 4, Recovery: 0.2}); ev.Grades != g {
		t.Errorf("rules of grades: got %+v, want %+v", ev.Grades, g)
	}
}

func TestWhatACenterDoesNotSayKeepsItsOldMeaning(t *testing.T) {
	w := &world{center: sound()}
	ev := w.configure()
	for _, q := range ev.Queues {
		if q.H != 30*time.Second || q.G != time.Minute || q.Strategy != "" || q.Priority != 0 || q.Declines != 0 || q.Relax != nil {
			t.Errorf("queue %s: got %+v, want the default head starts of 30s and 1m", q.ID, q)
		}
	}
	for _, tc := range []struct {
		q    store.Queue
		want float64
	}{
		{store.Queue{}, 0.1},
		{store.Queue{HeadStart: ptr(store.Duration(0))}, 0.1},
		{store.Queue{Strategy: "head-start", HeadStart: ptr(store.Duration(0)), IdleStart: ptr(store.Duration(0))}, 0},
		{store.Queue{Strategy: "accumulating"}, 0.1},
		{store.Queue{Strategy: "counted", Control: ptr(0.0)}, 0},
		{store.Queue{Strategy: "random", HeadStart: ptr(store.Duration(time.Second))}, 0},
		{store.Queue{Strategy: "random", Control: ptr(0.5)}, 0.5},
	} {
		w.center.Queues["sales"] = tc.q
		if got := w.control("sales"); got != tc.want {
			t.Errorf("control group with %+v: got %v, want %v", tc.q, got, tc.want)
		}
	}
	if got := w.categories(); len(got) != 4 {
		t.Errorf("categories: got %v, want the four defaults", got)
	}
}

func TestEachFaultOfRoutingIsToldOnceWithItsPlaceAndWhatToDo(t *testing.T) {
	long, negative := store.Duration(30*time.Hour), store.Duration(-1)
	set := func(f func(*store.Settings)) func(*store.Center) { return func(c *store.Center) { f(&c.Settings) } }
	number := func(f func(*store.Number)) func(*store.Center) {
		return func(c *store.Center) {
			n := c.Numbers["4000"]
			f(&n)
			c.Numbers["4000"] = n
		}
	}
	for _, tc := range []struct {
		name  string
		spoil func(*store.Center)
		want  string // path, or several
	}{
		{"five categories", set(func(s *store.Settings) { s.Categories = []string{"attitude", "knowledge", "c", "d", "e"} }), "$.settings.categories"},
		{"categories", set(func(s *store.Settings) { s.Categories = []string{"knowledge", "Big One", "overall", "knowledge"} }),
			"$.settings.categories[1] $.settings.categories[2] $.settings.categories[3]"},
		{"ratings", set(func(s *store.Settings) {
			s.Ratings = &store.Ratings{HalfLife: negative, Prior: 6, PriorWeight: -1, Recovery: 2}
		}), "$.settings.ratings.half_life $.settings.ratings.prior $.settings.ratings.prior_weight $.settings.ratings.recovery"},
		{"tiers", set(func(s *store.Settings) {
			s.Tiers = map[string]store.Tier{"gold": {Standing: 2, Priority: long}, "a b": {}}
		}),
			"$.settings.tiers.a b $.settings.tiers.gold.priority $.settings.tiers.gold.standing"},
		{"codes", set(func(s *store.Settings) { s.Codes = &store.Codes{Ready: "*41", MyRatings: "*41", RateLast: "x"} }),
			"$.settings.codes.my_ratings $.settings.codes.rate_last"},
		{"agent", change("1001", func(a *store.Agent) {
			a.Order, a.Tell, a.Capacity = -1, "sing", map[string]int{"voice": 1, "chat": 0, "a b": 1}
		}),
			"$.agents.1001.capacity.a b $.agents.1001.capacity.chat $.agents.1001.capacity.voice $.agents.1001.order $.agents.1001.tell"},
		{"strategy", queue("sales", func(q *store.Queue) { q.Strategy = "counting" }), "$.queues.sales.strategy"},
		{"priority", queue("sales", func(q *store.Queue) { q.Priority = store.Duration(2 * time.Hour) }), "$.queues.sales.priority"},
		{"accumulating", queue("sales", func(q *store.Queue) { q.B, q.Guard, q.Band, q.Window = ptr(0.9), negative, ptr(1.1), store.Duration(1) }),
			"$.queues.sales.b $.queues.sales.band $.queues.sales.guard $.queues.sales.window"},
		{"counted", queue("sales", func(q *store.Queue) { q.Overtakes, q.Skips, q.Sight, q.Lambda = ptr(-1), ptr(-1), ptr(0), ptr(-0.1) }),
			"$.queues.sales.lambda $.queues.sales.overtakes $.queues.sales.sight $.queues.sales.skips"},
		{"sent on to nothing", queue("sales", func(q *store.Queue) { q.Instead = "hangup" }), "$.queues.sales.instead"},
		{"ringing and declining", queue("sales", func(q *store.Queue) { q.RingMost, q.Declines, q.DeclinesPerCall = -1, ptr(-1), ptr(1001) }),
			"$.queues.sales.declines $.queues.sales.declines_per_call $.queues.sales.ring_most"},
		{"control", queue("sales", func(q *store.Queue) { q.Control = ptr(1.01) }), "$.queues.sales.control"},
		{"category", queue("sales", func(q *store.Queue) { q.Category = "singing" }), "$.queues.sales.category"},
		{"holding", queue("sales", func(q *store.Queue) { q.LastAgent, q.Preferred = long, negative }), "$.queues.sales.last_agent $.queues.sales.preferred"},
		{"relaxing", queue("sales", func(q *store.Queue) {
			q.Relax = []store.Relax{{After: 2, Needs: map[string]int{"spanish": 11}}, {After: 2, Needs: map[string]int{"x": 1}}, {After: 0}}
		}), "$.queues.sales.relax[0].needs.spanish $.queues.sales.relax[1].after $.queues.sales.relax[1].needs.x $.queues.sales.relax[2].after $.queues.sales.relax[2].needs"},
		{"hours", queue("sales", func(q *store.Queue) { q.Hours, q.Closed = "x", "flow:x" }), "$.queues.sales.closed $.queues.sales.hours"},
		{"never closes", queue("sales", func(q *store.Queue) { q.Hours = "" }), "$.queues.sales.closed"},
		{"closed to itself", queue("sales", func(q *store.Queue) { q.Closed = "queue:sales" }), "$.queues.sales.closed"},
		{"asking agents", queue("sales", func(q *store.Queue) { q.RateCustomer = "loudly" }), "$.queues.sales.rate_customer"},
		{"named agents", number(func(n *store.Number) { n.Agents = []string{"1001", "x"} }), "$.numbers.4000.agents[1]"},
		{"regions", number(func(n *store.Number) {
			n.Regions = []store.Region{{}, {Prefixes: []string{"Berlin"}, Queues: []string{"x"}, Agents: []string{"y"}}}
		}), "$.numbers.4000.regions[0] $.numbers.4000.regions[0].prefixes $.numbers.4000.regions[1].agents[0] $.numbers.4000.regions[1].prefixes[0] $.numbers.4000.regions[1].queues[0]"},
	} {
		c := fair()
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

func TestAStrategyIsSuggestedByItsLetters(t *testing.T) {
	for wrong, want := range map[string]string{
		"headstart": "head-start", "longest_idle": "longest-idle", "roundrobin": "round-robin", "ringal": "ring-all",
		"best": "one of head-start, ", strings.Repeat("x", 300): "one of head-start, ",
	} {
		c := sound()
		queue("sales", func(q *store.Queue) { q.Strategy = wrong })(&c)
		list := Check(c)
		if len(list) != 1 || !strings.HasPrefix(list[0].Try, want) {
			t.Errorf("strategy %q: got %+v, want one problem with the hint %q", wrong, list, want)
		}
	}
}

func TestRegionsAreMergedStandAboveNamedAgentsAndFallBackToThem(t *testing.T) {
	w := &world{center: store.Center{
		Agents: map[string]store.Agent{"1": {Queues: []string{"north"}}, "2": {Queues: []string{"south", "north"}}, "3": {}, "4": {Queues: []string{"south"}}},
		Numbers: map[string]store.Number{
			"100": {Agents: []string{"3"}, Regions: []store.Region{
				{Prefixes: []string{"+49"}, Queues: []string{"land"}},
				{Prefixes: []string{"+4930", "+4933"}, Queues: []string{"north", "land"}},
				{Prefixes: []string{"+4989"}, Agents: []string{"4", "3"}, Queues: []string{"south"}},
				{Prefixes: []string{"+33", "+331"}, Agents: []string{"1"}},
				{Prefixes: []string{"+331"}, Agents: []string{"2", "1"}},
			}},
			"200": {Agents: []string{"1", "2"}},
			"300": {},
		}}}
	for _, tc := range []struct {
		number, caller string
		want           party
	}{
		{"100", "+49301234", party{Queue: "north", Also: []string{"land"}}}, // province and city are one set
		{"100", "+4940555", party{Queue: "land", Also: []string{}}},
		{"100", "+4989777", party{Queue: "south", Only: []string{"4", "3", "2"}}}, // and those of south; land has no agents
		{"100", "+33123", party{Only: []string{"1", "2"}}},
		{"100", "+44123", party{Only: []string{"3"}}}, // no match: the named agents
		{"100", anonymous, party{Only: []string{"3"}}},
		{"100", "", party{Only: []string{"3"}}},
		{"200", "+49301234", party{Only: []string{"1", "2"}}},
		{"300", "+49301234", party{}},
		{"400", "+49301234", party{}}, // no such number
	} {
		if got := w.party(tc.number, tc.caller); jsonOf(t, got) != jsonOf(t, tc.want) {
			t.Errorf("who serves %s at %s: got %+v, want %+v", tc.caller, tc.number, got, tc.want)
		}
	}
}

func TestAQueueIsClosedOutsideOfItsHours(t *testing.T) {
	c := sound()
	always := []store.Open{{Days: "sun-sat", From: "00:00", To: "24:00"}}
	c.Hours = map[string]store.Hours{"always": {Open: always}, "never": {}, "holiday": {Open: always, Holidays: []string{
		time.Now().UTC().Format(time.DateOnly), time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)}}}
	w, err := newWorld(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		q    store.Queue
		want string // "" open
	}{
		{store.Queue{}, ""},
		{store.Queue{Hours: "always", Closed: "flow:bye"}, ""},
		{store.Queue{Hours: "never"}, "hangup"},
		{store.Queue{Hours: "never", Closed: "flow:bye"}, "flow:bye"},
		{store.Queue{Hours: "holiday", Closed: "queue:back"}, "queue:back"},
		{store.Queue{Hours: "gone", Closed: "flow:bye"}, ""},
	} {
		w.center.Queues["sales"] = tc.q
		if to, closed := w.closed("sales"); to != tc.want || closed != (tc.want != "") {
			t.Errorf("closed with %+v: got %q, %v, want %q", tc.q, to, closed, tc.want)
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
