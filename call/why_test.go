package call

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"hotline/acd"
	"hotline/store"
)

func TestADecisionIsToldInSentencesThatASupervisorUnderstands(t *testing.T) {
	began := time.Date(2026, 11, 19, 9, 0, 0, 0, time.UTC)
	ago := func(s int) time.Time { return began.Add(-time.Duration(s) * time.Second) }
	own := acd.CallKey{Call: "c1", Since: ago(12), Key: ago(36), Standing: 0.8}
	older := acd.CallKey{Call: "c2", Since: ago(30), Key: ago(33), Standing: 0.1}
	oldest := acd.CallKey{Call: "c3", Since: ago(31), Key: ago(31)}
	me := acd.AgentKey{Agent: "1001", IdleSince: ago(10), Key: ago(50), Grade: 0.7}
	idler := acd.AgentKey{Agent: "1002", IdleSince: ago(40), Key: ago(45), Grade: 0.1}
	for _, tc := range []struct {
		name   string
		reason acd.Reason
		change func(*store.CDR)
		want   string
	}{
		{"the only pair", acd.Reason{Policy: "A1 H=30s G=1m0s", Factor: acd.FactorOnlyPair, Calls: []acd.CallKey{own}, Agents: []acd.AgentKey{me}}, nil,
			"Caller +49 has waited 12 s; no other waiting call could go to agent 1001.|Agent 1001 was the only one free who may take this call.|" +
				"Policy A1 H=30s G=1m0s; decided by: only pair.|Agent 1001 answered after 4 s."},
		{"head start of both", acd.Reason{Policy: "A1 H=30s G=1m0s", Factor: acd.FactorCallStart, Calls: []acd.CallKey{own, older, oldest}, Agents: []acd.AgentKey{me, idler}}, nil,
			"Caller +49 (waited 12 s) was served before 2 older ones: head start 24 s of at most 30 s (standing 0.80), the oldest has 0 s (0.00); the oldest came 19 s before him.|" +
				"Agent 1001 (idle 10 s) was called before 1 agent idle for longer: head start 40 s of at most 60 s (grade 0.70), agent 1002 has 5 s (0.10); agent 1002 was idle 30 s longer.|" +
				"Policy A1 H=30s G=1m0s; decided by: head start of call.|Agent 1001 answered after 4 s."},
		{"longest", acd.Reason{Policy: "longest-idle", Factor: acd.FactorOldestCall, Calls: []acd.CallKey{{Call: "c1", Since: ago(130), Key: ago(130)}, older}, Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(50)}, idler}}, nil,
			"Caller +49 has waited longest, 2 min 10 s, of the 2 whom agent 1001 could take.|Agent 1001 has been idle longest, 50 s, of the 2 who were free for it.|" +
				"Policy longest-idle; decided by: oldest call.|Agent 1001 answered after 4 s."},
		{"returned and declined", acd.Reason{Policy: "p", Factor: acd.FactorReturned, Calls: []acd.CallKey{{Call: "c1", Since: ago(5), Head: true}, older}, Agents: []acd.AgentKey{me}},
			func(c *store.CDR) { c.Offers[0].Result = "declined" },
			"Caller +49 came first: he was served before and returned from a call that broke off. He has waited 5 s.|Agent 1001 was the only one free who may take this call.|" +
				"Policy p; decided by: returned call.|Agent 1001 declined after 4 s; the call kept its place."},
		{"accumulating", acd.Reason{Policy: "A2", Factor: "x", Calls: []acd.CallKey{{Call: "c1", Since: ago(20), Standing: 1, Priority: 40}, {Call: "c2", Since: ago(30), Priority: 30}},
			Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(1), Occupancy: 0.5, Grade: 1}, {Agent: "1002", IdleSince: ago(3), Occupancy: 0.52}}}, nil,
			"Caller +49 (waited 20 s) was served before 1 older one: the priority he gathered is 40.0, the oldest has 30.0 (standing 1.00 and 0.00); the oldest came 10 s before him.|" +
				"Agent 1001 (idle 1 s) was called before 1 agent idle for longer: 50 % of his time was busy against 52 %, grade 1.00 against 0.00; agent 1002 was idle 2 s longer.|" +
				"Policy A2; decided by: x.|Agent 1001 answered after 4 s."},
		{"counted", acd.Reason{Policy: "A3", Factor: "x", Calls: []acd.CallKey{{Call: "c1", Since: ago(20), Match: 4.5}, {Call: "c2", Since: ago(30), Match: 4, Overtaken: 1}},
			Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(1), Sample: 4.4}, {Agent: "1002", IdleSince: ago(3), Sample: 3.9, Skipped: 2}}}, nil,
			"Caller +49 (waited 20 s) was served before 1 older one: he fits the agent best, 4.50 stars against 4.00 of the oldest, who was overtaken 1 time so far; the oldest came 10 s before him.|" +
				"Agent 1001 (idle 1 s) was called before 1 agent idle for longer: 4.40 stars, drawn from his grade and how sure it is, against 3.90; agent 1002 was idle 2 s longer and was passed over 2 times so far.|" +
				"Policy A3; decided by: x.|Agent 1001 answered after 4 s."},
		{"fewest calls", acd.Reason{Policy: "fewest-calls", Factor: "x", Calls: []acd.CallKey{{Call: "c1", Since: ago(20)}},
			Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(1), Measure: 2}, {Agent: "1002", IdleSince: ago(3), Measure: 7}}}, nil,
			"Caller +49 has waited 20 s; no other waiting call could go to agent 1001.|" +
				"Agent 1001 (idle 1 s) was called before 1 agent idle for longer: by fewest-calls, 2 against 7; agent 1002 was idle 2 s longer.|" +
				"Policy fewest-calls; decided by: x.|Agent 1001 answered after 4 s."},
		{"held", acd.Reason{Policy: "p", Factor: acd.FactorHeld, Calls: []acd.CallKey{own, older}, Agents: []acd.AgentKey{me}}, nil,
			"The call of +49 (waited 12 s) was held for agent 1001: chosen, known from before, or preferred.|Agent 1001 was the only one free who may take this call.|" +
				"Policy p; decided by: held for this agent.|Agent 1001 answered after 4 s."},
		{"priority, by lot", acd.Reason{Policy: "random", Factor: acd.FactorPriority, Calls: []acd.CallKey{{Call: "c1", Since: ago(12), Key: ago(72)}, older}, Agents: []acd.AgentKey{me}}, nil,
			"Caller +49 (waited 12 s) was served before 1 older one: the priority of his tier or queue and his standing put him 60 s ahead; the oldest came 18 s before him.|" +
				"Agent 1001 was the only one free who may take this call.|Policy random; decided by: priority.|Agent 1001 answered after 4 s."},
		{"by lot", acd.Reason{Policy: "random", Factor: acd.FactorRandom, Calls: []acd.CallKey{own}, Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(2)}, idler}}, nil,
			"Caller +49 has waited 12 s; no other waiting call could go to agent 1001.|Agent 1001 (idle 2 s) was called before 1 agent idle for longer: drawn by lot; agent 1002 was idle 38 s longer.|" +
				"Policy random; decided by: random.|Agent 1001 answered after 4 s."},
		{"often passed over", acd.Reason{Policy: "A3 M=2 L=4 W=8 lambda=0.2", Factor: acd.FactorSkipped, Calls: []acd.CallKey{own}, Agents: []acd.AgentKey{{Agent: "1001", IdleSince: ago(2), Skipped: 4}, idler}}, nil,
			"Caller +49 has waited 12 s; no other waiting call could go to agent 1001.|Agent 1001 (idle 2 s) was called before 1 agent idle for longer: he was passed over 4 times already, so it is his turn; agent 1002 was idle 38 s longer.|" +
				"Policy A3 M=2 L=4 W=8 lambda=0.2; decided by: passed over too often.|Agent 1001 answered after 4 s."},
		{"ring all", acd.Reason{Policy: "ring-all", Factor: acd.FactorTogether, Calls: []acd.CallKey{own}, Agents: []acd.AgentKey{me, idler}}, nil,
			"Caller +49 has waited 12 s; no other waiting call could go to agent 1001.|The phone of agent 1001 rings together with those of other agents; who answers first has the call.|" +
				"Policy ring-all; decided by: rings with the others.|Agent 1001 answered after 4 s."},
		{"control group, chosen, still ringing", acd.Reason{Policy: "p", Factor: "x", Control: true, Calls: []acd.CallKey{own}, Agents: []acd.AgentKey{me}},
			func(c *store.CDR) { c.Chosen, c.Offers[0].Ended = "1001", time.Time{} },
			"Caller +49 has waited 12 s; no other waiting call could go to agent 1001.|Agent 1001 was the only one free who may take this call.|" +
				"The call is one of the control group: first come first served, evaluations did not count.|The caller chose agent 1001 himself.|Policy p; decided by: x.|The phone of agent 1001 rings."},
	} {
		reason, err := json.Marshal(tc.reason)
		if err != nil {
			t.Fatal(err)
		}
		c := store.CDR{ID: "c1", Caller: "+49", Offers: []store.Offer{{ID: "o", Agent: "1001", Began: began, Ended: began.Add(4 * time.Second), Result: "answered", Reason: reason}}}
		if tc.change != nil {
			tc.change(&c)
		}
		if got := strings.Join(decision(c, c.Offers[0]).Sentences, "|"); got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
}

func TestAReasonThatCannotBeReadLeavesWhatIsKnown(t *testing.T) {
	for _, reason := range []string{"", "null", "[]", `{"calls":7}`, `{"rule":"idle"}`} {
		c := store.CDR{ID: "c1", Offers: []store.Offer{{Agent: "1001", Ended: time.Now(), Result: "new word", Reason: json.RawMessage(reason)}}}
		got := strings.Join(decision(c, c.Offers[0]).Sentences, "|")
		if want := "No reason was kept of this offer.|It ended with: new word."; got != want {
			t.Errorf("reason %q: got %q, want %q", reason, got, want)
		}
	}
}

func TestStudentsPointsAreThoseOfTheTables(t *testing.T) {
	for df, want := range map[float64]float64{1: 12.706, 2: 4.303, 5: 2.571, 6: 2.447, 7: 2.365, 10: 2.228, 20: 2.086, 30: 2.042, 60: 2.000, 120: 1.980, 1e6: 1.960} {
		if got := student(df); math.Abs(got-want) > 0.003 {
			t.Errorf("t(%v): got %.4f, want %.3f", df, got, want)
		}
	}
}

func TestWelchsIntervalIsThatOfAnExampleDoneByHand(t *testing.T) {
	var g groups
	for _, v := range []float64{1, 2, 3, 4, 5} {
		g.policy.add(v)
	}
	for _, v := range []float64{2, 4, 6, 8} {
		g.control.add(v)
	}
	c := compare("rating", &g)
	// Variances 2.5 and 6.667: standard error sqrt(0.5+1.667) = 1.472, df = 4.75, t(4) = 2.776.
	if math.Abs(c.Difference+2) > 1e-9 || math.Abs((c.High-c.Low)/2-2.776*1.47196) > 1e-3 || c.Enough {
		t.Errorf("got %+v, want -2 +- 4.086", c)
	}
	if one := compare("x", &groups{policy: g.policy}); one.Low != 0 || one.Difference != 0 {
		t.Errorf("without a control group: got %+v, want no difference", one)
	}
}
