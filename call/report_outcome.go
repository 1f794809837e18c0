package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// OutcomeReport tells what came of calls, and how long agents worked on them, by
// queue and agent.
type OutcomeReport struct {
	From     time.Time    `json:"from,omitzero"`
	To       time.Time    `json:"to,omitzero"`
	Outcomes []OutcomeRow `json:"outcomes"`
	Work     []WorkRow    `json:"work"`
}

// OutcomeRow counts the calls of a queue of which an agent noted a disposition. A
// call counts once, for who talked last in it.
type OutcomeRow struct {
	Queue string `json:"queue,omitempty"` // "": outside of queues
	Agent string `json:"agent"`
	Code  string `json:"code,omitempty"` // "": nothing, or words alone, was noted
	Name  string `json:"name,omitempty"` // of the code, as the center has it now
	Calls int    `json:"calls"`
}

// WorkRow is what an agent did for a queue. Each talk counts, those before a
// transfer too.
type WorkRow struct {
	Queue   string         `json:"queue,omitempty"`
	Agent   string         `json:"agent"`
	Talks   int            `json:"talks"`
	Talk    store.Duration `json:"talk"`     // all together
	WrapUps int            `json:"wrap_ups"` // talks with after-call work
	WrapUp  store.Duration `json:"wrap_up"`  // all together
}

// OutcomeReport reads the records that the filter picks. A filter's queue or agent
// picks the rows too: a transferred call is in its other ones as well.
func (e *Engine) OutcomeReport(f store.Filter) (OutcomeReport, error) {
	r := OutcomeReport{From: f.From, To: f.To, Outcomes: []OutcomeRow{}, Work: []WorkRow{}}
	outcomes, work := map[OutcomeRow]int{}, map[[2]string]*WorkRow{}
	wanted := func(queue, agent string) bool {
		return agent != "" && (f.Queue == "" || f.Queue == queue) && (f.Agent == "" || f.Agent == agent)
	}
	names := e.world.Load().center.Settings.Dispositions
	err := e.store.CDRs(f, func(c store.CDR) bool {
		if queue, agent := lastTalk(c); wanted(queue, agent) {
			row := OutcomeRow{Queue: queue, Agent: agent, Code: c.Code()}
			row.Name = names[row.Code].Name
			outcomes[row]++
		}
		for _, t := range c.Talks {
			if wanted(t.Queue, t.Agent) {
				countTalk(work, t)
			}
		}
		return true
	})
	if err != nil {
		return r, fmt.Errorf("call: report: %w", err)
	}
	for row, n := range outcomes {
		row.Calls = n
		r.Outcomes = append(r.Outcomes, row)
	}
	for _, row := range work {
		r.Work = append(r.Work, *row)
	}
	slices.SortFunc(r.Outcomes, func(a, b OutcomeRow) int {
		return strings.Compare(a.Queue+"\x00"+a.Agent+"\x00"+a.Code, b.Queue+"\x00"+b.Agent+"\x00"+b.Code)
	})
	slices.SortFunc(r.Work, func(a, b WorkRow) int { return strings.Compare(a.Queue+"\x00"+a.Agent, b.Queue+"\x00"+b.Agent) })
	return r, nil
}

// lastTalk is the last one with an agent: its queue, and who he was.
func lastTalk(c store.CDR) (queue, agent string) {
	for i := len(c.Talks) - 1; i >= 0; i-- {
		if t := c.Talks[i]; t.Agent != "" {
			return t.Queue, t.Agent
		}
	}
	return "", ""
}

func countTalk(work map[[2]string]*WorkRow, t store.Talk) {
	key := [2]string{t.Queue, t.Agent}
	row := work[key]
	if row == nil {
		row = &WorkRow{Queue: t.Queue, Agent: t.Agent}
		work[key] = row
	}
	row.Talks++
	row.Talk += store.Duration(t.Ended.Sub(t.Began))
	if t.WrapUp > 0 {
		row.WrapUps++
		row.WrapUp += t.WrapUp
	}
}
