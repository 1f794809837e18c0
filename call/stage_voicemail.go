package call

import (
	"context"
	"time"

	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// voicemailStage lets the caller leave a message.
type voicemailStage struct{ box string }

func (s voicemailStage) name() string { return "voicemail " + s.box }

func (s voicemailStage) run(ctx context.Context, c *Call) stage {
	box, ok := c.eng.world.Load().center.Voicemail[s.box]
	if !ok || c.eng.recs == nil || s.full(c) {
		c.blame(480, 20, "no message can be left in "+s.box, "us")
		return c.sorry("nobody-available", "goodbye")
	}
	if err := c.answer(ctx); err != nil {
		return nil
	}
	c.seatCaller()
	greeting := box.Greeting
	if greeting == "" {
		greeting = "voicemail-greeting"
	}
	c.caller.flush()
	if c.caller.play(ctx, c.eng.clips(c.lang, []string{greeting}), true) != nil {
		return nil
	}
	if c.say(ctx, "beep") != nil {
		return nil
	}
	c.caller.flush()
	kept, err := s.record(ctx, c, box)
	if err != nil {
		c.log.Error("message can't be recorded", "call", c.id, "box", s.box, "err", err)
		c.blame(500, 41, "message can't be recorded", "us")
		return c.sorry("error", "goodbye")
	}
	if kept {
		c.note("message left")
	}
	if ctx.Err() != nil {
		return nil
	}
	if c.say(ctx, map[bool]string{true: "voicemail-saved", false: "voicemail-empty"}[kept]) != nil {
		return nil
	}
	if next := c.resume(ivr.Served); next != nil {
		return next
	}
	c.blame(0, 16, "left a message", "us")
	return goodbyeStage{prompts: []string{"goodbye"}}
}

// full tells whether the box can take no more.
func (s voicemailStage) full(c *Call) bool {
	n := 0
	err := c.eng.store.Voicemails(func(v store.Voicemail) bool {
		if v.Box == s.box {
			n++
		}
		return n < boxMost
	})
	if err == nil && n < boxMost {
		return false
	}
	c.log.Warn("mailbox is full or can't be read; delete messages", "box", s.box, "messages", n, "err", err)
	return true
}

// savedWithin is how long a call waits for its message to be on the disk.
const savedWithin = 3 * time.Second

// record takes what the caller says until he presses #, falls silent, hangs up or
// the time is over; it tells whether there is a message now.
func (s voicemailStage) record(ctx context.Context, c *Call, box store.Mailbox) (kept bool, err error) {
	now := time.Now()
	c.recs++
	id := recordingID(c.id, c.recs)
	_, path, err := c.eng.recs.Path(id, now)
	if err != nil {
		c.eng.stats.RecordingErrors.Add(1)
		return false, err
	}
	c.rec = &store.Recording{ID: id, Call: c.id, Path: c.eng.recs.Rel(path), Began: now, Box: s.box, Caller: c.number, Name: c.name}
	saved := make(chan bool, 1)
	m := &c.eng.mail
	m.mu.Lock()
	if m.saved == nil {
		m.saved = map[media.RecordingID]chan<- bool{}
	}
	m.saved[media.RecordingID(id)] = saved
	m.mu.Unlock()
	c.eng.records.Store(media.RecordingID(id), *c.rec)
	select { // of an earlier message
	case <-c.caller.hushed:
	default:
	}
	c.eng.media.Do(media.Record{ID: media.RecordingID(id), Path: path, Left: c.caller.id, Quiet: messageQuiet})
	c.journal()
	s.listen(ctx, c, orDefault(box.MaxLength.D(), messageLength))
	c.stopRecording()
	wait := time.NewTimer(savedWithin)
	defer wait.Stop()
	select {
	case kept = <-saved:
	case <-wait.C:
		kept = true // what becomes of it is told by the log
	}
	if kept {
		c.cdr.Recording = id
		c.cdr.Recordings = append(c.cdr.Recordings, id)
	}
	return kept, nil
}

// listen waits for the end of the message.
func (s voicemailStage) listen(ctx context.Context, c *Call, most time.Duration) {
	limit := time.NewTimer(most)
	defer limit.Stop()
	for {
		select {
		case d := <-c.caller.digits:
			if d.r == '#' {
				return
			}
		case <-c.caller.hushed:
			c.note("silence")
			return
		case <-limit.C:
			c.note("message too long")
			return
		case o := <-c.orders:
			o.done(ErrNotNow)
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return
		}
	}
}
