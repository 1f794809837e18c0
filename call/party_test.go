package call_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/store"
)

// partyCenter has number 4001 for agent 1002 alone, in a queue that 1001 serves
// too and that overflows to another one of his.
func partyCenter() store.Center {
	c := ratedCenter()
	c.Settings.Survey = ""
	for _, id := range []string{"1001", "1002"} {
		c.Agents[id] = store.Agent{Queues: []string{"sales", "back"}, State: "ready"}
	}
	c.Queues = map[string]store.Queue{"sales": {MaxWait: store.Duration(30 * time.Second), Overflow: "queue:back"}, "back": {}}
	c.Numbers["4001"] = store.Number{To: "queue:sales", Agents: []string{"1002"}}
	return c
}

func TestNamedAgentsAloneServeTheirNumberUntilItOverflows(t *testing.T) {
	inBubble(t, partyCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)))
		caller := b.dials(b.phone("10.0.1.9:5060", phone.Config{User: "4930111"}), "4001")
		time.Sleep(25 * time.Second)
		if v := b.eng.Calls(); len(v) != 1 || v[0].Stage != "wait sales" {
			t.Errorf("with the named agent away: got %+v, want the call to wait in sales", v)
		}
		time.Sleep(20 * time.Second)
		if v := b.eng.Calls(); len(v) != 1 || v[0].Stage != "talk" || v[0].Agent != "1001" {
			t.Errorf("after it went on to the other queue: got %+v, want a talk with 1001", v)
		}
		caller.Hangup()
		b.cdrs()
	})
}

func TestARegionsCallerWaitsWhereItsAgentsAre(t *testing.T) {
	c := partyCenter()
	c.Numbers["4001"] = store.Number{To: "queue:sales", Agents: []string{"1002"},
		Regions: []store.Region{{Prefixes: []string{"4989"}, Queues: []string{"back"}}}}
	inBubble(t, c, func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)))
		caller := b.dials(b.phone("10.0.1.9:5060", phone.Config{User: "4989222"}), "4001")
		time.Sleep(10 * time.Second)
		if v := b.eng.Calls(); len(v) != 1 || v[0].Queue != "back" || v[0].Agent != "1001" {
			t.Errorf("a caller of the region: got %+v, want a talk with 1001 from queue back", v)
		}
		caller.Hangup()
		b.cdrs()
	})
}
