package call

import (
	"encoding/json"
	"time"

	"hotline/media"
	"hotline/recordings"
	"hotline/sip"
	"hotline/store"
)

// dialogState is a confirmed dialog as it is journalled.
func dialogState(l *Leg) (json.RawMessage, bool) {
	if l.d == nil || l.ctx.Err() != nil {
		return nil, false
	}
	s := l.d.State()
	if s.CallID == "" || !s.Confirmed {
		return nil, false
	}
	b, err := json.Marshal(s)
	return b, err == nil
}

// expect notes the recordings that the media plane of an earlier process still
// writes, before any event can tell of their end.
func (e *Engine) expect() {
	if len(e.left.Recordings) == 0 || e.recs == nil {
		return
	}
	for _, r := range e.left.Recordings {
		e.records.Store(r.ID, store.Recording{ID: string(r.ID), Call: callOf(string(r.ID)), Path: e.recs.Rel(r.Path), Began: r.Began})
	}
	list, err := e.store.Journals()
	if err != nil {
		return // recover tells of it
	}
	for _, j := range list {
		if j.Recording == nil {
			continue
		}
		id := media.RecordingID(j.Recording.ID)
		if _, ok := e.records.Load(id); ok {
			e.records.Store(id, *j.Recording)
		}
	}
}

// past is what an earlier process left behind. It is read before the first call
// of this one, whose journals and recordings look the same.
type past struct {
	calls []store.Journal
	torn  int // recordings that had to be finished
}

// look reads what an earlier process left behind and finishes its recordings.
func (e *Engine) look() past {
	list, err := e.store.Journals()
	if err != nil {
		e.log.Error("calls of an earlier process were not closed", "err", err)
	}
	return past{list, e.mend(list)}
}

// recover ends the calls that an earlier process left behind: BYE to each side,
// the CDR closed and marked, the recording finished. Where their audio goes on in
// a media process of its own they talk on for the grace time.
func (e *Engine) recover(p past) {
	list, torn := p.calls, p.torn
	if len(e.left.Legs)+len(e.left.Recordings) == 0 {
		e.closeAll(list, torn)
		return
	}
	e.log.Warn("calls of an earlier process talk on for a while", "calls", len(list), "legs", len(e.left.Legs),
		"recordings", len(e.left.Recordings), "for", e.cfg.Adopt.String())
	agents := talking(list)
	for _, a := range agents {
		e.occupy(a, true)
	}
	// Owned by the engine; ends after the grace time, or at once with its context.
	e.wg.Go(func() {
		t := time.NewTimer(e.cfg.Adopt)
		defer t.Stop()
		select {
		case <-t.C:
		case <-e.ctx.Done():
		}
		e.closeAll(list, torn)
		for _, r := range e.left.Recordings {
			e.media.Do(media.Finish{ID: r.ID})
		}
		for _, l := range e.left.Legs {
			e.media.Do(media.Close{Leg: l.ID})
		}
		for _, a := range agents {
			e.occupy(a, false)
		}
	})
}

func (e *Engine) closeAll(list []store.Journal, torn int) {
	for _, j := range list {
		e.close(j)
	}
	if len(list) > 0 {
		e.log.Warn("calls of an earlier process were closed", "calls", len(list), "recordings", torn)
	}
}

// talking are the agents that were in talk.
func talking(list []store.Journal) []string {
	var out []string
	for _, j := range list {
		if n := len(j.CDR.Talks); n > 0 && j.CDR.Talks[n-1].Ended.IsZero() && j.CDR.Talks[n-1].Agent != "" {
			out = append(out, j.CDR.Talks[n-1].Agent)
		}
	}
	return out
}

// mend finishes and notes the recordings that nobody writes any more; it tells
// how many.
func (e *Engine) mend(list []store.Journal) int {
	if e.recs == nil {
		return 0
	}
	running := make([]string, 0, len(e.left.Recordings))
	for _, r := range e.left.Recordings {
		running = append(running, string(r.ID))
	}
	found, err := e.recs.Recover(running...)
	if err != nil {
		e.log.Error("recordings of an earlier process were not finished", "err", err)
	}
	known := map[string]store.Recording{}
	for _, j := range list {
		if j.Recording != nil {
			known[j.Recording.ID] = *j.Recording
		}
	}
	for _, f := range found {
		r, ok := known[f.ID]
		if !ok {
			r = store.Recording{ID: f.ID, Call: callOf(f.ID), Began: f.Day}
		}
		e.noteTorn(r, f)
	}
	return len(found)
}

// noteTorn stores the record of a recording that was finished without media.
func (e *Engine) noteTorn(r store.Recording, f recordings.Recovered) {
	r.Path, r.Length, r.Bytes = e.recs.Rel(f.Path), store.Duration(f.Duration), f.Size
	r.SHA256, r.Torn = f.SHA256, f.Torn
	if f.Err != nil {
		r.Error = f.Err.Error()
		e.log.Error("recording could not be saved", "path", f.Path, "err", f.Err)
	}
	if r.Box != "" && f.Err == nil {
		e.received(r, f.Path)
		return
	}
	if err := e.store.PutRecording(r); err != nil {
		e.log.Error("recording was not noted", "call", r.Call, "err", err)
	}
}

// close ends one call of an earlier process.
func (e *Engine) close(j store.Journal) {
	for _, b := range j.Dialogs {
		var s sip.DialogState
		if err := json.Unmarshal(b, &s); err != nil {
			e.log.Error("journalled dialog can't be read", "call", j.Call, "err", err)
			continue
		}
		e.sip.Revive(s, refusedInbox{}).End(causeRestarted)
	}
	now := time.Now()
	c := j.CDR
	c.Ended, c.Recovered = now, true
	c.Cause = store.Cause{Q850: 41, Text: causeRestarted.Text, Blame: "us"}
	if n := len(c.Stages); n > 0 {
		c.Stages[n-1].Ended = now
	}
	e.cutSupervisions(&c)
	for i := range c.Legs {
		if c.Legs[i].Ended.IsZero() {
			c.Legs[i].Ended, c.Legs[i].Cause = now, c.Cause
		}
	}
	for i := range c.Talks {
		if c.Talks[i].Ended.IsZero() {
			c.Talks[i].Ended = now
		}
	}
	for i := range c.Offers {
		if c.Offers[i].Ended.IsZero() {
			c.Offers[i].Ended, c.Offers[i].Result = now, "engine restarted"
		}
	}
	if c.Trace != "" {
		c.Trace += "; "
	}
	c.Trace += "end: " + c.Cause.Text
	e.stats.Recovered.Add(1)
	e.closeCDR(c)
}
