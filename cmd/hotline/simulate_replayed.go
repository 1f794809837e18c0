package main

import (
	"fmt"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
)

// printReplay tells what a replay found: first whether it can be believed.
func (a *app) printReplay(f simulateFlags, p sim.Policy, r sim.Replayed) error {
	fmt.Fprintf(a.out, "%s: %d calls, %d events of the ACD, %d offers\n", f.replay.day, r.Was.Calls, r.Events, r.Offers)
	switch {
	case r.Compared == 0:
		fmt.Fprintln(a.out, "the day itself: no offer of the day is in a call's record, so nothing can be compared")
	case r.Differ == 0:
		fmt.Fprintf(a.out, "the day itself: %d of %d offers in the records are reproduced bit for bit\n", r.Compared, r.Compared)
	default:
		fmt.Fprintf(a.out, "the day itself: %d of %d offers in the records are not reproduced\n", r.Differ, r.Compared)
	}
	for _, why := range r.Why {
		fmt.Fprintln(a.out, "  "+plain(why))
	}
	if r.Torn || r.Differ > 0 {
		fmt.Fprintln(a.out, "  what follows is an estimate from incomplete knowledge, or of another version of hotline")
	}
	if r.Model > 0 {
		fmt.Fprintf(a.out, "simulated under its own policy, %d of %d calls go to another agent: changes below that are not the policy's\n", r.Model, r.Was.Calls)
	}
	fmt.Fprintf(a.out, "\n")
	g := grid{head: []string{"", "was", plain(p.Text)}}
	for _, x := range []struct {
		name string
		of   func(s sim.DayStats) string
	}{
		{"calls", func(s sim.DayStats) string { return fmt.Sprint(s.Calls) }},
		{"served", func(s sim.DayStats) string { return fmt.Sprint(s.Served) }},
		{"hung up while waiting", func(s sim.DayStats) string { return fmt.Sprint(s.HungUp) }},
		{"went on elsewhere", func(s sim.DayStats) string { return fmt.Sprint(s.Overflowed) }},
		{"service level " + f.sl, func(s sim.DayStats) string { return fmt.Sprintf("%.1f %%", 100*s.Within) }},
		{"wait until the answer (ASA)", func(s sim.DayStats) string { return seconds(s.ASA) }},
		{"wait of all calls", func(s sim.DayStats) string { return seconds(s.Wait) }},
		{"95 of 100 wait at most", func(s sim.DayStats) string { return seconds(s.P95) }},
		{"longest wait", func(s sim.DayStats) string { return seconds(s.Max) }},
		{"occupancy", func(s sim.DayStats) string { return fmt.Sprintf("%.1f %%", 100*s.Occupancy) }},
		{"  between agents (sd)", func(s sim.DayStats) string { return fmt.Sprintf("%.1f %%", 100*s.OccupancySD) }},
	} {
		g.add(x.name, x.of(r.Was), x.of(r.Would))
	}
	if err := a.print(g); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%d of %d calls would have had another agent\n", r.Moved, r.Was.Calls)
	if len(r.Changes) == 0 {
		return nil
	}
	fmt.Fprintf(a.out, "\nthe biggest changes\n")
	t := grid{head: []string{"CALL", "QUEUE", "CAME", "WAITED", "WOULD WAIT", "AGENT", "WOULD GET"}}
	for _, ch := range r.Changes {
		t.add(string(ch.Call), string(ch.Queue), clock(ch.Came), seconds(ch.WaitWas), seconds(ch.WaitWould), nobody(ch.AgentWas), nobody(ch.AgentWould))
	}
	return a.print(t)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func nobody(a acd.AgentID) string {
	if a == "" {
		return "nobody"
	}
	return string(a)
}

// replayJSON is a replay as programs read it; times are in seconds.
func replayJSON(f simulateFlags, p sim.Policy, r sim.Replayed) map[string]any {
	stats := func(s sim.DayStats) map[string]any {
		return map[string]any{"calls": s.Calls, "served": s.Served, "hung_up": s.HungUp, "overflowed": s.Overflowed,
			"wait": s.Wait.Seconds(), "asa": s.ASA.Seconds(), "p95": s.P95.Seconds(), "max": s.Max.Seconds(),
			"service_level": s.Within, "occupancy": s.Occupancy, "occupancy_sd": s.OccupancySD}
	}
	changes := []map[string]any{}
	for _, ch := range r.Changes {
		changes = append(changes, map[string]any{"call": ch.Call, "queue": ch.Queue, "came": ch.Came, "wait_was": ch.WaitWas.Seconds(),
			"wait_would": ch.WaitWould.Seconds(), "agent_was": ch.AgentWas, "agent_would": ch.AgentWould})
	}
	return map[string]any{"day": f.replay.day, "policy": p.Text, "events": r.Events, "processes": r.Processes, "offers": r.Offers,
		"compared": r.Compared, "differ": r.Differ, "torn": r.Torn, "why": r.Why, "model_differs": r.Model,
		"was": stats(r.Was), "would": stats(r.Would), "moved": r.Moved, "changes": changes}
}
