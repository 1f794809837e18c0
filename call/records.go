package call

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"hotline/media"
	"hotline/store"
)

// saveTries is how often a CDR is written before it is given up; it waits
// saveWait between, so a disk that is full for ten minutes loses nothing.
const (
	saveTries = 600
	saveWait  = time.Second
)

// closeCDR stores a finished call. When the store refuses, it is said once and
// tried again while the process lives; the call itself has long ended.
func (e *Engine) closeCDR(c store.CDR) {
	err := e.store.PutCDR(c)
	if err == nil {
		e.fine("store")
		e.writes.add(func() { e.remember(c) })
		return
	}
	e.unwell("store", fmt.Sprintf("call records can't be written: %v; try: free some disk space", err))
	e.stats.StoreErrors.Add(1)
	// Owned by the engine; ends when the record is written, or with the process.
	e.wg.Go(func() {
		for range saveTries {
			t := time.NewTimer(saveWait)
			select {
			case <-t.C:
			case <-e.ctx.Done():
				t.Stop()
			}
			if err = e.store.PutCDR(c); err == nil {
				e.fine("store")
				e.writes.add(func() { e.remember(c) })
				return
			}
			if e.ctx.Err() != nil {
				break
			}
		}
		b, _ := json.Marshal(c)
		e.log.Error("call record is lost to the store; here it is", "call", c.ID, "err", err, "cdr", string(b))
	})
}

// remember keeps who called, for the next time; in the order of the calls' ends.
func (e *Engine) remember(c store.CDR) {
	tried := c.Callback != "" && c.Called != "" && len(c.Talks) == 0 && len(c.Offers) > 0 // we called, and not he
	if c.Caller == anonymous || !strings.HasPrefix(c.From, "trunk:") || tried {
		return
	}
	_, err := e.changeCustomer(c.Caller, func(cu *store.Customer, known bool) error {
		if cu.First.IsZero() {
			cu.First = c.Began
		}
		cu.Calls++
		cu.Last = c.Began
		if c.Name != "" {
			cu.Name = c.Name
		}
		if c.Agent != "" {
			cu.Agent = c.Agent
		}
		if c.Language != "" && c.LanguageBy == byChoice {
			cu.Language = c.Language
		}
		return nil
	})
	if err != nil {
		e.log.Warn("customer was not kept", "call", c.ID, "err", err)
	}
}

// recorded stores the record of a finished recording.
func (e *Engine) recorded(ev media.Recorded) {
	v, ok := e.records.LoadAndDelete(ev.ID)
	if !ok {
		return
	}
	r := v.(store.Recording)
	if errors.Is(ev.Err, media.ErrDied) {
		e.stats.RecordingErrors.Add(1)
		e.noteTorn(r, e.recs.Rescue(r.ID))
		return
	}
	r.Length, r.Bytes, r.Dropped = store.Duration(ev.Duration), ev.Bytes, ev.Dropped
	if ev.Err != nil {
		r.Error = ev.Err.Error()
		e.unwell("recordings", fmt.Sprintf("recordings fail: %v; try: free some disk space", ev.Err))
	} else {
		e.fine("recordings")
		if whole, err := e.recs.Finish(string(ev.ID)); err != nil {
			r.Error = err.Error()
		} else {
			r.SHA256, r.Bytes = whole.SHA256, whole.Size
		}
	}
	if ev.Err != nil || ev.Dropped > 0 {
		e.stats.RecordingErrors.Add(1)
		e.log.Error("recording is not whole", "call", r.Call, "err", ev.Err, "dropped", ev.Dropped)
	}
	if r.Box != "" {
		e.received(r, ev.Path)
		return
	}
	if err := e.store.PutRecording(r); err != nil {
		e.log.Error("recording was not noted", "call", r.Call, "err", err)
	}
}

// unwell notes what does not work, in words for operators; said once until it is fine again.
func (e *Engine) unwell(part, words string) {
	e.mu.Lock()
	was := e.degraded[part]
	e.degraded[part] = words
	e.mu.Unlock()
	if was == "" {
		e.log.Error(words, "part", part)
	}
}

func (e *Engine) fine(part string) {
	e.mu.Lock()
	was := e.degraded[part]
	delete(e.degraded, part)
	e.mu.Unlock()
	if was != "" {
		e.log.Info("works again", "part", part)
	}
}
