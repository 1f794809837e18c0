package call

import (
	"encoding/json"
	"time"

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

// mend finishes the recordings that an earlier process left behind. Nothing may
// record yet: what grows looks the same.
func (e *Engine) mend() map[string]store.Recording {
	torn := map[string]store.Recording{}
	if e.recs != nil {
		found, err := e.recs.Recover()
		if err != nil {
			e.log.Error("recordings of an earlier process were not finished", "err", err)
		}
		for _, f := range found {
			r := store.Recording{ID: f.ID, Call: callOf(f.ID), Path: e.recs.Rel(f.Path), Began: f.Day,
				Length: store.Duration(f.Duration), Bytes: f.Size, SHA256: f.SHA256, Torn: f.Torn}
			if f.Err != nil {
				r.Error = f.Err.Error()
				e.log.Error("recording could not be saved", "path", f.Path, "err", f.Err)
			}
			torn[f.ID] = r
		}
	}
	return torn
}

// recover ends the calls that an earlier process left behind: BYE to each side,
// the CDR closed and marked, the recordings noted.
func (e *Engine) recover(torn map[string]store.Recording) {
	list, err := e.store.Journals()
	if err != nil {
		e.log.Error("calls of an earlier process were not closed", "err", err)
	}
	for _, j := range list {
		e.close(j, torn)
	}
	for _, r := range torn {
		if err := e.store.PutRecording(r); err != nil {
			e.log.Error("recording was not noted", "call", r.Call, "err", err)
		}
	}
	if len(list) > 0 {
		e.log.Warn("calls of an earlier process were closed", "calls", len(list), "recordings", len(torn))
	}
}

// close ends one call of an earlier process.
func (e *Engine) close(j store.Journal, torn map[string]store.Recording) {
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
	if j.Recording != nil {
		r, ok := torn[j.Recording.ID]
		if ok {
			r.Call, r.Agent, r.Queue, r.Began = j.Recording.Call, j.Recording.Agent, j.Recording.Queue, j.Recording.Began
			torn[r.ID] = r
		}
	}
	e.stats.Recovered.Add(1)
	e.closeCDR(c)
}
