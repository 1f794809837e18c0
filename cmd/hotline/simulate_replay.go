package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/acd"
	"hotline/acd/sim"
	"hotline/api"
	"hotline/store"
	"hotline/store/bolt"
)

// replayFlags are the flags of a replay.
type replayFlags struct {
	day, queue string
	examples   int
}

func (f *replayFlags) addFlags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.day, "replay", "", "day of the ACD's journal to run again: 2026-12-24, today, yesterday")
	fl.StringVar(&f.queue, "queue", "", "with --replay: the queue that --policy is for (default: all)")
	fl.IntVar(&f.examples, "examples", 10, "with --replay: how many changed calls are shown")
}

// journalSource is where the day is read from: a running process, or its file
// while none runs.
type journalSource interface {
	ACDEvents(ctx context.Context, from, to time.Time, f func(store.ACDEvent) error) error
	CDRs(ctx context.Context, q store.Filter, f func(store.CDR) error) error
}

// fileSource reads the file of a process that does not run.
type fileSource struct{ s store.Store }

func (x fileSource) ACDEvents(ctx context.Context, from, to time.Time, f func(store.ACDEvent) error) error {
	var fault error
	err := x.s.ACDEvents(from, to, func(e store.ACDEvent) bool {
		if fault = context.Cause(ctx); fault == nil {
			fault = f(e)
		}
		return fault == nil
	})
	return errors.Join(fault, err)
}

func (x fileSource) CDRs(_ context.Context, q store.Filter, f func(store.CDR) error) error {
	var fault error
	err := x.s.CDRs(q, func(c store.CDR) bool {
		fault = f(c)
		return fault == nil
	})
	return errors.Join(fault, err)
}

// source asks the running process, and opens its file if there is none.
func (a *app) source(ctx context.Context) (journalSource, func(), error) {
	c, err := a.client()
	if err != nil {
		return nil, nil, err
	}
	err = c.Do(ctx, http.MethodGet, "/healthz", nil, nil)
	if err == nil || !errors.Is(err, api.ErrNobody) {
		return c, func() {}, err
	}
	path := filepath.Join(a.dataFlag, "hotline.db")
	if _, missing := os.Stat(path); errors.Is(missing, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("simulate: --replay: %s is not there; try: --data with the directory of your hotline serve", path)
	}
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		return nil, nil, err
	}
	return fileSource{s}, func() { _ = s.Close() }, nil
}

// replay runs a real day again.
func (a *app) replay(ctx context.Context, f simulateFlags) error {
	policies, err := f.policies()
	if err != nil {
		return err
	}
	from, err := instant(f.replay.day, time.Now())
	if err != nil {
		return usageError{"simulate: --replay: " + err.Error(), "--replay 2026-12-24"}
	}
	_, within, err := f.level()
	if err != nil {
		return err
	}
	src, done, err := a.source(ctx)
	if err != nil {
		return err
	}
	defer done()
	c := sim.ReplayConfig{From: from, To: from.AddDate(0, 0, 1), Policy: policies[0], Within: within, Examples: f.replay.examples}
	if f.replay.queue != "" {
		c.Queues = []acd.QueueID{acd.QueueID(f.replay.queue)}
	}
	begin, err := processBegin(ctx, src, c.From, c.To)
	if err != nil {
		return err
	}
	if c.Records, err = assigned(ctx, src, c.From, c.To); err != nil {
		return err
	}
	c.Journal = func(put func(sim.Logged) error) error {
		return src.ACDEvents(ctx, begin, c.To, func(e store.ACDEvent) error {
			return put(sim.Logged{Seq: e.Seq, At: e.At, Body: e.Body})
		})
	}
	r, err := sim.Replay(c)
	if errors.Is(err, sim.ErrNoEvents) {
		return fmt.Errorf("simulate: --replay %s: the journal has no event of that day; try: a day of the last 30 on which hotline serve ran", f.replay.day)
	}
	if err != nil {
		return err
	}
	if f.replay.queue != "" && r.Was.Calls == 0 {
		return fmt.Errorf("simulate: --queue %s: no call of this queue on %s; try: hotline queue list", f.replay.queue, f.replay.day)
	}
	if *f.out == "json" {
		return a.jsonLine(replayJSON(f, c.Policy, r))
	}
	return a.printReplay(f, c.Policy, r)
}

// processBegin is when the process started that ran at from: its events from then
// on tell what it knew. The journal is searched backwards, a day at a time.
func processBegin(ctx context.Context, src journalSource, from, to time.Time) (time.Time, error) {
	const count = 1<<40 - 1 // of a sequence number: below the epoch
	begin, epoch := from, uint64(0)
	for days := 0; days <= 40; days++ {
		low, high := from.AddDate(0, 0, -days), from.AddDate(0, 0, 1-days)
		if days == 0 {
			high = to
		}
		whole, found := false, false
		err := src.ACDEvents(ctx, low, high, func(e store.ACDEvent) error {
			if epoch == 0 {
				epoch = e.Seq >> 40
			}
			if !found && e.Seq>>40 == epoch {
				found, whole, begin = true, e.Seq&count == 1, e.At
			}
			return nil
		})
		if err != nil || whole || days > 0 && !found || epoch == 0 {
			return begin, err
		}
	}
	return begin, nil
}

// assigned are the offers in the records of calls that may have rung on the day.
func assigned(ctx context.Context, src journalSource, from, to time.Time) (map[string]sim.Assigned, error) {
	out := map[string]sim.Assigned{}
	err := src.CDRs(ctx, store.Filter{From: from.AddDate(0, 0, -1), To: to}, func(c store.CDR) error {
		for _, o := range c.Offers {
			epochN := o.ID
			for cut := strings.Count(o.ID, "-") - 1; cut > 0; cut-- { // a node's name may have hyphens
				_, epochN, _ = strings.Cut(epochN, "-")
			}
			out[epochN] = sim.Assigned{Call: acd.CallID(o.Given(c.ID)), Agent: acd.AgentID(o.Agent), Reason: o.Reason}
		}
		return nil
	})
	return out, err
}
