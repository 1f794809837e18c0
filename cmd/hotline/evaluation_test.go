package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hotline/acd"
	"hotline/store"
	"hotline/store/bolt"
)

// served DIR: writes the records of calls into a data directory: call-1 and
// call-2 of +4930111 with agents 1001 and 1002, call-3 that nobody served, and
// forty of each group in queue help, the policy's rated better by a star.
func servedCalls(ts *testscript.TestScript, neg bool, args []string) {
	s, err := bolt.Open(filepath.Join(ts.MkAbs(args[0]), "hotline.db"), bolt.Options{})
	ts.Check(err)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for i, agent := range []string{"1001", "1002", ""} {
		c := sampleCDR(fmt.Sprint("call-", i+1), at.Add(time.Duration(i)*time.Hour))
		c.Name, c.Caller, c.Agent, c.Ratings, c.Offers, c.Talks = "", "+4930111", agent, nil, nil, nil
		if agent != "" {
			reason, err := json.Marshal(whyReason(c.ID, agent, c.Began))
			ts.Check(err)
			c.Offers = []store.Offer{{ID: "a-1-1", Agent: agent, Queue: "sales", Began: c.Began, Ended: c.Began.Add(5 * time.Second), Result: "answered", Reason: reason}}
			c.Talks = []store.Talk{{Agent: agent, Queue: "sales", Began: c.Began, Ended: c.Ended, WrapUp: store.Duration(20 * time.Second)}}
		}
		if agent == "1001" {
			c.Disposition = &store.Disposition{Code: "sale", Notes: "=2+2, \"two\"", By: "agent:1001", At: c.Ended}
		}
		ts.Check(s.PutCDR(c))
	}
	ts.Check(s.PutCustomer(store.Customer{ID: "+4930111", Name: "Ann", Calls: 3, First: at, Last: at, Agent: "1002"}))
	for i := range 80 {
		c := sampleCDR(fmt.Sprint("help-", i), at.Add(24*time.Hour+time.Duration(i)*time.Minute))
		c.Caller, c.Queue, c.Control = "+4989222", "help", i%2 == 0
		ts.Check(s.PutCDR(c))
		stars := 4 + i/2%2
		if c.Control {
			stars--
		}
		ts.Check(s.PutEvaluation(store.Evaluation{ID: c.ID + ".caller", Call: c.ID, Side: store.SideCaller, Agent: "1001", Customer: c.Caller,
			Queue: "help", Items: map[string]int{"attitude": stars}, At: c.Ended, Control: c.Control}))
	}
	ts.Check(s.Close())
}

// whyReason is that of an offer which came before an older call, by its standing.
func whyReason(id, agent string, at time.Time) acd.Reason {
	return acd.Reason{Policy: "A1 H=30s G=1m0s", Factor: acd.FactorCallStart,
		Calls: []acd.CallKey{{Call: acd.CallID(id), Since: at.Add(-12 * time.Second), Key: at.Add(-36 * time.Second), Standing: 0.8},
			{Call: "other", Since: at.Add(-20 * time.Second), Key: at.Add(-26 * time.Second), Standing: 0.2}},
		Agents: []acd.AgentKey{{Agent: acd.AgentID(agent), IdleSince: at.Add(-time.Minute), Key: at.Add(-time.Minute), Grade: 0.5}}}
}
