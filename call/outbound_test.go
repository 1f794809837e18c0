package call

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"hotline/store"
)

func TestRulesSayWhoMayDialWhatAndByWhichTrunk(t *testing.T) {
	via := func(names ...string) (out []store.RouteTrunk) {
		for i, n := range names {
			out = append(out, store.RouteTrunk{Trunk: n, Priority: i})
		}
		return out
	}
	w, err := newWorld(store.Center{
		Agents: map[string]store.Agent{"1001": {}, "1002": {Role: "supervisor"}, "1003": {Outbound: []string{"own"}}, "1004": {}},
		Settings: store.Settings{Outbound: &store.Outbound{Country: "49", Rules: []store.Route{
			{Prefix: "0", Strip: 1, Add: "+49", Trunks: via("a", "b")},
			{Prefix: "0900"},
			{Prefix: "00", Trunks: via("world"), Roles: []string{"supervisor"}},
			{Prefix: "0041", Trunks: via("swiss"), Agents: []string{"1004"}},
			{Prefix: "+49", Trunks: via("a")},
			{Prefix: "9", Strip: 1, Trunks: via("a")},
		}}},
		Trunks: map[string]store.Trunk{"a": {}, "b": {}, "world": {}, "swiss": {}, "own": {}},
	}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		agent, number, trunk, sent string
		err                        error
	}{
		{"1001", "030123", "a", "+4930123", nil},
		{"1001", "090012", "", "", ErrNotAllowed}, // a rule without trunks
		{"1001", "0033123", "", "", ErrNotAllowed},
		{"1002", "0033123", "world", "0033123", nil},
		{"1002", "+33123", "world", "+33123", nil},
		{"1004", "+41123", "swiss", "+41123", nil},
		{"1002", "0041123", "", "", ErrNotAllowed}, // the longest prefix decides
		{"1001", "+4930123", "a", "+4930123", nil},
		{"1001", "004930123", "a", "004930123", nil},
		{"1003", "4711", "", "", ErrNoRule}, // his own trunk takes nothing that no rule names
		{"1001", "4711", "", "", ErrNoRule},
		{"", "4711", "", "", ErrNoRule},
		{"", "0033123", "world", "0033123", nil}, // an operator
		{"1001", "03x", "", "", ErrNowhere},
		{"1003", "702", "", "", ErrNowhere}, // a parking slot where nobody is
		{"1001", "9030123", "a", "030123", nil},
		{"1002", "90033123", "", "", ErrForeign}, // what a rule strips is no way around those for abroad
	} {
		got, err := w.outside(tc.number, tc.agent)
		if !errors.Is(err, tc.err) || got.trunk != tc.trunk || got.number != tc.sent {
			t.Errorf("%s dials %s: got %s %s, %v, want %s %s, %v", tc.agent, tc.number, got.trunk, got.number, err, tc.trunk, tc.sent, tc.err)
		}
	}
	w.center.Settings.Outbound.Rules = w.center.Settings.Outbound.Rules[:1] // "0" fits "0033", but is no rule for abroad
	if _, err := w.outside("0033123", "1003"); !errors.Is(err, ErrForeign) {
		t.Errorf("abroad without a rule for it: got %v, want %v", err, ErrForeign)
	}
	w.center.Settings.Outbound.Rules = nil // a country alone
	if got, err := w.outside("4711", "1003"); err != nil || got.trunk != "own" {
		t.Errorf("without rules: got %+v, %v, want his own trunk", got, err)
	}
	if w.mayDialForeign("0033123", "agent:1003") || !w.mayDialForeign("030123", "agent:1003") {
		t.Error("naming the trunk must not be a way around the rules")
	}
}

func TestWhatIsDialledForAbroadDependsOnTheCountry(t *testing.T) {
	for _, tc := range []struct {
		o       store.Outbound
		number  string
		foreign bool
	}{
		{store.Outbound{Country: "1"}, "01133123", true},
		{store.Outbound{Country: "1"}, "2125550100", false},
		{store.Outbound{Country: "1"}, "0111212555", false}, // ours, the long way
		{store.Outbound{Country: "49"}, "01133123", false},
		{store.Outbound{Country: "81"}, "01033123", true},
		{store.Outbound{Country: "7"}, "81033123", true},
		{store.Outbound{Country: "49", Exit: "99"}, "9933123", true},
		{store.Outbound{}, "0033123", true},
	} {
		if got := foreign(&tc.o, tc.number); got != tc.foreign {
			t.Errorf("%s from country %q: got foreign %v", tc.number, tc.o.Country, got)
		}
	}
	o := store.Outbound{Country: "1", Rules: []store.Route{{Prefix: "0", Trunks: []store.RouteTrunk{{Trunk: "a"}}}, {Prefix: "01144", Trunks: []store.RouteTrunk{{Trunk: "uk"}}}}}
	if way, found, err := byRules(&o, "0114420", anyRule); !found || way.trunk != "uk" || err != nil {
		t.Errorf("a rule with that prefix: got %+v, %v, %v", way, found, err)
	}
	if way, _, err := byRules(&o, "01133123", anyRule); !errors.Is(err, ErrForeign) {
		t.Errorf("without one: got %+v, %v, want %v", way, err, ErrForeign)
	}
}

func TestTrunksOfAPriorityAreDrawnByWeight(t *testing.T) {
	list := []store.RouteTrunk{{Trunk: "last", Priority: 2, Weight: 900}, {Trunk: "big", Priority: 1, Weight: 9}, {Trunk: "small", Priority: 1}}
	first := map[string]int{}
	for range 2000 {
		got := byPriority(list)
		first[got[0]]++
		if len(got) != 3 || got[2] != "last" || !slices.Contains(got, "small") {
			t.Fatalf("got %v", got)
		}
	}
	if first["big"] < 1700 || first["small"] < 100 {
		t.Errorf("first were %v, want about 1800 and 200", first)
	}
}

func TestCallsOutAreCountedAndLetGo(t *testing.T) {
	var o outs
	names, most := []string{"trunk:a", "agent:1"}, []int{2, 1}
	if !o.take(names, most) || o.take(names, most) {
		t.Error("the agent's second call must be refused, the first not")
	}
	if !o.take([]string{"trunk:a"}, []int{2}) || o.take([]string{"trunk:a"}, []int{2}) {
		t.Error("the trunk must take two and no third")
	}
	o.give(names)
	if !o.take(names, most) {
		t.Error("after one ended there must be room")
	}
}

func TestEachFaultOfTheRulesIsToldAtItsPlace(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    store.Outbound
		want string
	}{
		{"country", store.Outbound{Country: "+49"}, "$.settings.outbound.country"},
		{"exit", store.Outbound{Exit: "+"}, "$.settings.outbound.exit"},
		{"limit", store.Outbound{Most: -1}, "$.settings.outbound.most"},
		{"prefix", store.Outbound{Rules: []store.Route{{Prefix: "a"}}}, "$.settings.outbound.rules[0].prefix"},
		{"strip", store.Outbound{Rules: []store.Route{{Strip: -1}}}, "$.settings.outbound.rules[0].strip"},
		{"trunk", store.Outbound{Rules: []store.Route{{Trunks: []store.RouteTrunk{{Trunk: "x"}}}}}, "$.settings.outbound.rules[0].trunks[0].trunk"},
		{"role", store.Outbound{Rules: []store.Route{{Roles: []string{"boss"}}}}, "$.settings.outbound.rules[0].roles[0]"},
		{"agent", store.Outbound{Rules: []store.Route{{Agents: []string{"x"}}}}, "$.settings.outbound.rules[0].agents[0]"},
	} {
		list := Check(store.Center{Settings: store.Settings{Outbound: &tc.o}})
		if len(list) != 1 || list[0].Path != tc.want || list[0].Try == "" {
			t.Errorf("%s: got %+v, want one at %s", tc.name, list, tc.want)
		}
	}
}

func TestACallbackGoesNowhereThatRulesOrBlocksForbidAndNeverAbroad(t *testing.T) {
	via := []store.RouteTrunk{{Trunk: "a"}, {Trunk: "b", Priority: 1}}
	rules := &store.Outbound{Country: "49", Rules: []store.Route{
		{Prefix: "0", Strip: 1, Add: "+49", Trunks: via},
		{Prefix: "+49", Trunks: via},
		{Prefix: "0900"},
		{Prefix: "032", Trunks: via, Roles: []string{"supervisor"}},
		{Prefix: "+33", Trunks: via},
		{Prefix: "9", Strip: 1, Trunks: via},
	}}
	for _, tc := range []struct {
		rules    *store.Outbound
		trunk    string
		prefixes []string
		number   string
		want     string // trunk and number
		err      error
	}{
		{rules, "", nil, "030123", "a +4930123", nil},
		{rules, "b", nil, "030123", "b 030123", nil}, // its own trunk
		{rules, "", nil, "+4930123", "a +4930123", nil},
		{rules, "", nil, "090012", "", ErrNotAllowed},
		{rules, "b", nil, "090012", "", ErrNotAllowed},
		{rules, "", nil, "03212", "", ErrNotAllowed}, // who calls is no supervisor
		{rules, "", nil, "+33123", "", ErrForeign},   // though agents may dial it
		{rules, "b", []string{"+33"}, "0033123", "", ErrForeign},
		{rules, "", nil, "90033123", "", ErrForeign},
		{rules, "", nil, "4711", "", ErrNoRule},
		{rules, "b", nil, "4711", "b 4711", nil},
		{rules, "", nil, "030666", "", errBlocked},
		{nil, "b", nil, "030123", "b 030123", nil},
		{nil, "b", nil, "+4930123", "", ErrForeign}, // nobody has said that 49 is ours
		{nil, "b", []string{"+49"}, "+4930123", "b +4930123", nil},
		{nil, "b", []string{"+49"}, "004930123", "b 004930123", nil},
		{nil, "b", []string{"+49"}, "030123", "", ErrNotAllowed},
		{nil, "b", []string{"+", "0"}, "+33123", "", ErrForeign},
	} {
		w, err := newWorld(store.Center{Settings: store.Settings{Outbound: tc.rules}, Trunks: map[string]store.Trunk{"a": {}, "b": {}},
			Blocks: map[string]store.Block{"030666": {}}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := (&Engine{}).mayCallBack(w, store.QueueCallback{Trunk: tc.trunk, Prefixes: tc.prefixes}, tc.number, tc.number)
		text := strings.TrimSpace(got.trunk + " " + got.number)
		if text != tc.want || !errors.Is(err, tc.err) || (err != nil) != errors.Is(err, ErrNoCallback) {
			t.Errorf("%s over %q with prefixes %q: got %q, %v, want %q, %v", tc.number, tc.trunk, tc.prefixes, text, err, tc.want, tc.err)
		}
	}
}
