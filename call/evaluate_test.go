package call_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/simnet"
	"hotline/store"
)

const customer = "+4930111"

// ratedCenter has two agents, a supervisor and two categories.
func ratedCenter() store.Center {
	c := wholeCenter()
	c.Settings.Categories = []string{"attitude", "knowledge"}
	c.Settings.Tiers = map[string]store.Tier{"gold": {Standing: 0.2}}
	c.Agents["9001"] = store.Agent{Role: "supervisor"}
	return c
}

// served puts the record of a call into the store in which agents talked.
func (b *bed) served(id, caller string, agents ...string) {
	b.t.Helper()
	now := time.Now()
	c := store.CDR{ID: id, Began: now, Ended: now, Caller: caller, From: "trunk:world", Queue: "sales", Control: strings.HasPrefix(id, "control")}
	for _, a := range agents {
		c.Agent = a
		c.Talks = append(c.Talks, store.Talk{Agent: a, Queue: "sales", Began: now, Ended: now})
		c.Offers = append(c.Offers, store.Offer{ID: "o", Agent: a, Reason: json.RawMessage(`{"policy":"A1 H=30s G=1m0s","factor":"only pair"}`)})
	}
	must(b.t, b.st.PutCDR(c))
	time.Sleep(time.Second)
}

// rate gives a rating and fails the test if it is refused.
func (b *bed) rate(actor call.Actor, id, side string, items map[string]int) store.Evaluation {
	b.t.Helper()
	ev, err := b.eng.Evaluate(actor, call.EvaluationRequest{Call: id, Side: side, Items: items})
	if err != nil {
		b.t.Fatalf("rating of %s by %s: %v", id, actor, err)
	}
	return ev
}

// stars is an agent's grade in a category as the next decision sees it.
func (b *bed) stars(agent, category string) float64 {
	b.t.Helper()
	list, err := b.eng.Grades(agent)
	must(b.t, err)
	i := slices.IndexFunc(list, func(g call.GradeView) bool { return g.Category == category })
	if i < 0 {
		return 0
	}
	return list[i].Stars
}

var (
	theCaller   = call.Actor{Kind: call.ActorCaller, ID: customer}
	agent1001   = call.Actor{Kind: call.ActorAgent, ID: "1001"}
	agent1002   = call.Actor{Kind: call.ActorAgent, ID: "1002"}
	supervisor  = call.Actor{Kind: call.ActorSupervisor, ID: "9001"}
	theOperator = call.Actor{Kind: call.ActorOperator, ID: "cli:root"}
)

func TestARatingCountsAtOnceIsChangedAndTakenBack(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		b.served("c1", customer, "1001")
		before := b.stars("1001", "")
		first := b.rate(theCaller, "c1", store.SideCaller, map[string]int{"attitude": 5, "knowledge": 4})
		if first.ID != "c1.caller" || first.Agent != "1001" || first.Customer != customer || first.Queue != "sales" ||
			first.Strategy != "A1 H=30s G=1m0s" || !first.Edited.IsZero() {
			t.Errorf("first: got %+v, want what the call's record says", first)
		}
		good := b.stars("1001", "")
		if good <= before {
			t.Errorf("grade after 4.5 stars: got %v, want more than %v", good, before)
		}
		time.Sleep(time.Hour)
		again := b.rate(theCaller, "c1", store.SideCaller, map[string]int{"attitude": 1})
		if again.ID != first.ID || !again.At.Equal(first.At) || again.Edited.Sub(first.At) != time.Hour || len(again.Items) != 1 {
			t.Errorf("changed: got %+v, want the same contact, edited an hour later, with its new items alone", again)
		}
		if got := b.stars("1001", ""); got >= before {
			t.Errorf("grade after one star: got %v, want less than %v: the first rating is replaced", got, before)
		}
		same := b.rate(theCaller, "c1", store.SideCaller, map[string]int{"attitude": 1})
		if !same.Edited.Equal(again.Edited) {
			t.Errorf("given twice: got edited %v, want %v: it is one rating", same.Edited, again.Edited)
		}
		must(t, b.eng.Unevaluate(theCaller, "c1", store.SideCaller, ""))
		if got := b.stars("1001", ""); math.Abs(got-before) > 1e-9 {
			t.Errorf("grade after it was taken back: got %v, want %v", got, before)
		}
		if err := b.eng.Unevaluate(theCaller, "c1", store.SideCaller, ""); !errors.Is(err, call.ErrNoEvaluation) {
			t.Errorf("taken back twice: got %v, want %v", err, call.ErrNoEvaluation)
		}
		b.wantChanges("change evaluation by caller:+4930111: attitude 5, knowledge 4 -> attitude 1",
			"delete evaluation by caller:+4930111: attitude 1 -> ")
	})
}

// wantChanges fails unless the audit log has these changes, oldest first.
func (b *bed) wantChanges(want ...string) {
	b.t.Helper()
	var got []string
	must(b.t, b.st.Audits(store.Filter{}, func(a store.Audit) bool {
		got = append([]string{fmt.Sprintf("%s by %s: %s -> %s", a.Act, a.Actor, a.Before, a.After)}, got...)
		return true
	}))
	if !slices.Equal(got, want) {
		b.t.Errorf("audit log: got %q, want %q", got, want)
	}
}

func TestAnAgentRatesTheCustomerOnASideOfItsOwn(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		b.served("c1", customer, "1001")
		b.rate(theCaller, "c1", store.SideCaller, map[string]int{"attitude": 2})
		ev := b.rate(agent1001, "c1", store.SideAgent, map[string]int{call.ItemOverall: 5})
		if ev.ID != "c1.agent" || ev.Side != store.SideAgent {
			t.Errorf("got %+v, want the agent's side", ev)
		}
		must(t, b.st.PutCustomer(store.Customer{ID: customer}))
		v, err := b.eng.Customer(customer)
		must(t, err)
		if v.Stars <= 3 || v.Ratings < 0.9 {
			t.Errorf("reputation: got %v of weight %v, want more than 3 stars of one rating", v.Stars, v.Ratings)
		}
		want := []call.Contact{{Call: "c1", Agent: "1001", Queue: "sales", At: v.Contacts[0].At, ByCaller: map[string]int{"attitude": 2}, ByAgent: map[string]int{"overall": 5}}}
		if fmt.Sprint(v.Contacts) != fmt.Sprint(want) {
			t.Errorf("contacts: got %v, want %v", v.Contacts, want)
		}
		must(t, b.eng.Unevaluate(agent1001, "c1", store.SideAgent, ""))
		if v, err = b.eng.Customer(customer); err != nil || v.Ratings != 0 {
			t.Errorf("reputation after it was taken back: got %v, %v, want none", v.Ratings, err)
		}
		if _, err := b.st.Evaluation("c1.caller"); err != nil {
			t.Errorf("the other side: got %v, want it to be there", err)
		}
	})
}

func TestNobodyRatesWhatHeWasNotIn(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		b.served("c1", customer, "1001")
		b.served("lost", customer)
		b.served("hidden", "anonymous", "1001")
		good := map[string]int{"attitude": 5}
		for _, tc := range []struct {
			name  string
			actor call.Actor
			req   call.EvaluationRequest
			want  error
			words string
		}{
			{"unknown call", theCaller, call.EvaluationRequest{Call: "x", Side: "caller", Items: good}, call.ErrUnknownContact, "hotline cdr list"},
			{"call nobody served", theCaller, call.EvaluationRequest{Call: "lost", Side: "caller", Items: good}, call.ErrNotServed, "no agent talked"},
			{"another's call", call.Actor{Kind: call.ActorCaller, ID: "+4989"}, call.EvaluationRequest{Call: "c1", Side: "caller", Items: good}, call.ErrForbidden, "not his"},
			{"no number", call.Actor{Kind: call.ActorCaller}, call.EvaluationRequest{Call: "c1", Side: "caller", Items: good}, call.ErrForbidden, "not his"},
			{"anonymous, later", call.Actor{Kind: call.ActorCaller, ID: "anonymous"}, call.EvaluationRequest{Call: "hidden", Side: "caller", Items: good}, call.ErrForbidden, "not his"},
			{"caller for the agent", theCaller, call.EvaluationRequest{Call: "c1", Side: "agent", Items: good}, call.ErrForbidden, "side caller is his"},
			{"agent for the caller", agent1001, call.EvaluationRequest{Call: "c1", Side: "caller", Items: good}, call.ErrForbidden, "side agent is his"},
			{"agent who was not in it", agent1002, call.EvaluationRequest{Call: "c1", Side: "agent", Items: good}, call.ErrNotServed, "1002 did not talk"},
			{"agent for another", agent1002, call.EvaluationRequest{Call: "c1", Side: "agent", Agent: "1001", Items: good}, call.ErrForbidden, "for agent 1001"},
			{"anonymous customer", agent1001, call.EvaluationRequest{Call: "hidden", Side: "agent", Items: good}, call.ErrForbidden, "anonymous"},
			{"no supervisor", call.Actor{Kind: call.ActorSupervisor, ID: "1001"}, call.EvaluationRequest{Call: "c1", Side: "agent", Items: good}, call.ErrNotSupervisor, "role: supervisor"},
			{"nobody", call.Actor{Kind: "ghost"}, call.EvaluationRequest{Call: "c1", Side: "caller", Items: good}, call.ErrForbidden, "use caller, agent"},
			{"side", theCaller, call.EvaluationRequest{Call: "c1", Side: "both", Items: good}, call.ErrSide, `"both"`},
			{"no stars", theCaller, call.EvaluationRequest{Call: "c1", Side: "caller", Items: map[string]int{"attitude": 0}}, call.ErrScale, "attitude=0"},
			{"six stars", theCaller, call.EvaluationRequest{Call: "c1", Side: "caller", Items: map[string]int{"attitude": 6}}, call.ErrScale, "1 (bad) to 5"},
			{"no items", theCaller, call.EvaluationRequest{Call: "c1", Side: "caller"}, call.ErrCategory, "give 1 to"},
			{"unknown category", theCaller, call.EvaluationRequest{Call: "c1", Side: "caller", Items: map[string]int{"singing": 5}}, call.ErrCategory, "attitude, knowledge"},
		} {
			_, err := b.eng.Evaluate(tc.actor, tc.req)
			if !errors.Is(err, tc.want) || !strings.Contains(fmt.Sprint(err), tc.words) {
				t.Errorf("%s: got %v, want %v with %q", tc.name, err, tc.want, tc.words)
			}
		}
		n := 0
		must(t, b.st.Evaluations(func(store.Evaluation) bool { n++; return true }))
		if n != 0 || b.stars("1001", "attitude") != 0 {
			t.Errorf("after refusals: got %d evaluations and a grade of %v, want none", n, b.stars("1001", "attitude"))
		}
	})
}

func TestSupervisorsAndOperatorsMayRateAndAreAudited(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		b.served("control-1", customer, "1001")
		ev := b.rate(supervisor, "control-1", store.SideCaller, map[string]int{"knowledge": 3})
		if !ev.Control {
			t.Error("a call of the control group: got an evaluation without its mark")
		}
		by := call.Actor{Kind: call.ActorAgent, ID: "1001", By: "cli:root"}
		b.rate(by, "control-1", store.SideAgent, map[string]int{"attitude": 4})
		must(t, b.eng.Unevaluate(theOperator, "control-1", store.SideCaller, "1001"))
		b.wantChanges("evaluate by supervisor:9001:  -> knowledge 3", "evaluate by cli:root as agent:1001:  -> attitude 4",
			"delete evaluation by operator:cli:root: knowledge 3 -> ")
	})
}

func TestEachAgentOfATransferredCallHasARatingOfHisOwn(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		b.served("c1", customer, "1001", "1002")
		last := b.rate(theCaller, "c1", store.SideCaller, map[string]int{"attitude": 5})
		ev, err := b.eng.Evaluate(theCaller, call.EvaluationRequest{Call: "c1", Side: store.SideCaller, Agent: "1001", Items: map[string]int{"attitude": 1}})
		must(t, err)
		if last.Agent != "1002" || ev.Agent != "1001" || last.ID == ev.ID {
			t.Errorf("got %s of %s and %s of %s, want one of each agent", last.ID, last.Agent, ev.ID, ev.Agent)
		}
		if one, two := b.stars("1001", ""), b.stars("1002", ""); one >= 4 || two <= 4 {
			t.Errorf("grades: got %v and %v, want one below 4 and one above", one, two)
		}
		list, err := b.eng.Served(customer)
		must(t, err)
		if len(list) != 2 || list[0].Agent != "1002" || list[0].ByCaller["attitude"] != 5 || list[1].ByCaller["attitude"] != 1 {
			t.Errorf("contacts: got %+v, want the last agent first, each with his rating", list)
		}
		must(t, b.eng.Unevaluate(theCaller, "c1", store.SideCaller, "1001"))
		if _, err := b.st.Evaluation(last.ID); err != nil {
			t.Errorf("the other agent's rating: got %v, want it to be there", err)
		}
	})
}

func TestGradesAreTheSameAfterARestartAndARebuild(t *testing.T) {
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, dir, simnet.New(simnet.Options{}))
		defer b.end()
		b.apply(ratedCenter())
		for i := range 30 {
			id := fmt.Sprint("c", i)
			b.served(id, fmt.Sprintf("+49%02d", i%4), []string{"1001", "1002"}[i%2])
			b.rate(theOperator, id, store.SideCaller, map[string]int{"attitude": 1 + i%5, "knowledge": 1 + i*i%5})
			b.rate(theOperator, id, store.SideAgent, map[string]int{"attitude": 5 - i%5})
		}
		must(t, b.eng.Unevaluate(theOperator, "c0", store.SideCaller, ""))
		want := gradesText(t, b)
		n, err := b.eng.RebuildGrades(theOperator)
		must(t, err)
		if n != 59 {
			t.Errorf("evaluations read: got %d, want 59", n)
		}
		if got := gradesText(t, b); got != want {
			t.Errorf("after a rebuild: got %s, want %s", got, want)
		}
		b.end()
		after := newBed(t, dir, simnet.New(simnet.Options{}))
		defer after.end()
		if got := gradesText(t, after); got != want {
			t.Errorf("in the next process: got %s, want %s", got, want)
		}
	})
}

// gradesText rounds to a thousandth of a star: leniency depends a little on what
// was known when a rating came, and age on when it is read.
func gradesText(t *testing.T, b *bed) string {
	t.Helper()
	list, err := b.eng.Grades("")
	must(t, err)
	var out []string
	for _, g := range list {
		out = append(out, fmt.Sprintf("%s/%s %.2f", g.Agent, g.Category, g.Stars))
	}
	for i := range 4 {
		must(t, b.st.PutCustomer(store.Customer{ID: fmt.Sprintf("+49%02d", i)}))
		v, err := b.eng.Customer(fmt.Sprintf("+49%02d", i))
		must(t, err)
		out = append(out, fmt.Sprintf("%s %.2f", v.ID, v.Stars))
	}
	return strings.Join(out, "; ")
}

func TestManyRatingsAtOnceLoseNothing(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		for i := range 8 {
			b.served(fmt.Sprint("c", i), customer, "1001")
		}
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() { // ends by itself
				_, err := b.eng.Evaluate(theOperator, call.EvaluationRequest{Call: fmt.Sprint("c", i%8), Side: store.SideCaller, Items: map[string]int{"attitude": 1 + i%5}})
				if err != nil {
					t.Error(err)
				}
				if i%16 == 0 {
					if _, err := b.eng.RebuildGrades(theOperator); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		want := b.stars("1001", "attitude")
		if _, err := b.eng.RebuildGrades(theOperator); err != nil {
			t.Fatal(err)
		}
		if got := b.stars("1001", "attitude"); math.Abs(got-want) > 0.2 || got == 0 {
			t.Errorf("grade after a rebuild: got %v, before it %v", got, want)
		}
	})
}

func TestAnAttackByRatingsIsToldOnceAndNotAgainByARebuild(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		for i := range 12 {
			id := fmt.Sprint("c", i)
			b.served(id, customer, "1001")
			b.rate(theCaller, id, store.SideCaller, map[string]int{"attitude": 1})
		}
		alarms := func() int {
			n := 0
			must(t, b.st.Sync())
			must(t, b.st.Audits(store.Filter{}, func(a store.Audit) bool {
				if a.Act == "rating alarm" && a.Agent == "1001" && slices.Contains(a.With, customer) {
					n++
				}
				return true
			}))
			return n
		}
		first := alarms()
		if first == 0 || !strings.Contains(b.log.String(), "ratings look like an attack") {
			t.Errorf("twelve one-star ratings within a minute: got %d alarms, want one that is logged", first)
		}
		if _, err := b.eng.RebuildGrades(theOperator); err != nil {
			t.Fatal(err)
		}
		b.stars("1001", "") // after all that was fed
		if got := alarms(); got != first {
			t.Errorf("alarms after a rebuild: got %d, want %d", got, first)
		}
	})
}
