package call

import (
	"context"
	"slices"
	"time"

	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// mailboxStage plays messages: to an agent those of his boxes, to one who calls
// from outside those of one box after its PIN.
type mailboxStage struct {
	agent string   // who hears them; "" unknown
	boxes []string // to be played
	pin   bool     // to be asked for
}

func (s mailboxStage) name() string { return "voicemail box" }

func (s mailboxStage) run(ctx context.Context, c *Call) stage {
	if err := c.answer(ctx); err != nil {
		return nil
	}
	if s.pin && !s.admitted(ctx, c) {
		if ctx.Err() == nil {
			if next := c.resume(ivr.Failed); next != nil {
				return next
			}
			c.blame(403, 21, "wrong PIN", "caller")
			return goodbyeStage{prompts: []string{"goodbye"}}
		}
		return nil
	}
	x := &listener{mailboxStage: s, c: c}
	if x.all(ctx) != nil {
		return nil
	}
	if next := c.resume(ivr.Served); next != nil {
		return next
	}
	c.blame(0, 16, "heard messages", "us")
	return goodbyeStage{prompts: []string{"goodbye"}}
}

// admitted asks for the box's PIN until it is right.
func (s mailboxStage) admitted(ctx context.Context, c *Call) bool {
	box := s.boxes[0]
	pin, ok := store.ParsePIN(c.eng.world.Load().center.Voicemail[box].PIN)
	if !ok || pin.Digits == 0 {
		c.say(ctx, "not-allowed")
		return false
	}
	c.line().Secret(true)
	defer c.line().Secret(false)
	for range pinTries {
		if !c.eng.mail.mayTry(c.number, box, time.Now()) {
			c.note("too many wrong PINs")
			c.say(ctx, "wrong-pin")
			return false
		}
		if c.caller.play(ctx, c.eng.clips(c.lang, []string{"enter-pin"}), true) != nil {
			return false
		}
		got, err := conferenceStage{}.typed(ctx, c, pin.Digits)
		if err != nil {
			return false
		}
		if pin.Matches(got) {
			return true
		}
		c.eng.mail.wrong(c.number, box, time.Now())
		if c.say(ctx, "wrong-pin") != nil {
			return false
		}
		c.caller.flush()
	}
	return false
}

// listener is somebody who hears messages.
type listener struct {
	mailboxStage
	c *Call
}

// all plays the new messages and then the old ones; an error is the end of the
// call.
func (x *listener) all(ctx context.Context) error {
	var fresh, old []string
	for _, box := range x.boxes {
		list, err := x.c.eng.Voicemails(box)
		if err != nil {
			x.c.log.Error("messages were not read", "box", box, "err", err)
			return x.c.say(ctx, "error")
		}
		slices.Reverse(list)
		for _, v := range list {
			switch {
			case v.Handled != "":
			case v.Heard.IsZero():
				fresh = append(fresh, v.ID)
			default:
				old = append(old, v.ID)
			}
		}
	}
	if len(fresh)+len(old) == 0 {
		return x.c.say(ctx, "voicemail-none")
	}
	lang := x.c.lang
	words := []string{"voicemail-you-have"}
	if len(fresh) > 0 || len(old) == 0 {
		words = append(words, ivr.Count(lang, len(fresh), "voicemail-new")...)
	}
	if len(old) > 0 {
		words = append(words, ivr.Count(lang, len(old), "voicemail-old")...)
	}
	if err := x.c.line().Play(ctx, ivr.Speech{Language: lang, Prompts: words, Interruptible: true}); err != nil {
		return err
	}
	for _, id := range append(fresh, old...) {
		if err := x.message(ctx, id); err != nil {
			return err
		}
	}
	return x.c.say(ctx, "voicemail-no-more")
}

// menuWaits is how long the listener has for a key before the next message comes,
// and how often one message is heard again in one call.
const (
	menuWaits = 6 * time.Second
	againMost = 20
)

// message plays one message and does with it what the listener wants.
func (x *listener) message(ctx context.Context, id string) error {
	c := x.c
	v, err := c.eng.store.Voicemail(id)
	if err != nil { // deleted meanwhile
		return context.Cause(ctx)
	}
	clip, ok := c.eng.messageClip(c.id, v)
	if !ok {
		return c.say(ctx, "error")
	}
	defer c.eng.media.AddClip(clip, nil)
	play, key := true, rune(0)
	for range againMost {
		if play {
			c.caller.flush()
			words := c.eng.clips(c.lang, x.head(v))
			if err := c.caller.play(ctx, append(words, clip), true); err != nil {
				return err
			}
			c.eng.heardVoicemail(id)
		}
		if key, err = x.key(ctx, play); err != nil {
			return err
		}
		said := ""
		switch play = key == '1'; key {
		case 0, '2':
			return nil
		case '3':
			return x.discard(ctx, v)
		case '4', '5':
			said, v = x.take(v, key == '5')
		}
		if said == "" {
			continue
		}
		words := []string{said}
		if said == "voicemail-claimed-by" {
			words = append(words, ivr.Digits(c.lang, v.Claimed)...)
		}
		if err := c.say(ctx, words...); err != nil {
			return err
		}
	}
	return nil
}

// key plays the choices and gives the key; 0 if none came. After the message a
// key may be there already.
func (x *listener) key(ctx context.Context, offer bool) (rune, error) {
	if offer {
		if err := x.c.line().Play(ctx, ivr.Speech{Language: x.c.lang, Prompts: []string{"voicemail-menu"}, Interruptible: true}); err != nil {
			return 0, err
		}
	}
	kctx, cancel := context.WithTimeout(ctx, menuWaits)
	defer cancel()
	d, err := x.c.line().Digit(kctx)
	if err != nil && ctx.Err() == nil {
		return 0, nil
	}
	return d, err
}

// head is who left the message and when.
func (x *listener) head(v store.Voicemail) []string {
	c := x.c
	out := []string{"voicemail-from", "voicemail-unknown"}
	if n := ivr.Digits(c.lang, v.Caller); v.Caller != anonymous && len(n) > 0 {
		out = append(out[:1], n...)
	}
	w := c.eng.world.Load()
	at := v.At.In(w.zone)
	out = append(append(out, ivr.Date(c.lang, at, w.now())...), ivr.Clock(c.lang, at)...)
	if v.Claimed != "" && v.Claimed != x.agent {
		out = append(append(out, "voicemail-claimed-by"), ivr.Digits(c.lang, v.Claimed)...)
	}
	return out
}

func (x *listener) discard(ctx context.Context, v store.Voicemail) error {
	if v.Claimed != "" && v.Claimed != x.agent {
		return x.c.say(ctx, append([]string{"voicemail-claimed-by"}, ivr.Digits(x.c.lang, v.Claimed)...)...)
	}
	if err := x.c.eng.DeleteVoicemail(v.ID, x.actor()); err != nil {
		x.c.log.Error("message was not deleted", "voicemail", v.ID, "err", err)
		return x.c.say(ctx, "error")
	}
	return x.c.say(ctx, "voicemail-deleted")
}

// take claims a message or marks it as handled, and tells what to say.
func (x *listener) take(v store.Voicemail, handled bool) (said string, now store.Voicemail) {
	var err error
	if said = "voicemail-claimed"; handled {
		said = "voicemail-handled"
		now, err = x.c.eng.HandleVoicemail(v.ID, x.agent, "", x.actor())
	} else {
		now, err = x.c.eng.ClaimVoicemail(v.ID, x.agent, x.actor())
	}
	switch {
	case err == nil:
		return said, now
	case now.Claimed != "" && now.Claimed != x.agent:
		return "voicemail-claimed-by", now
	}
	x.c.log.Info("message was not claimed", "voicemail", v.ID, "err", err)
	return "not-allowed", v
}

// actor names the listener in the audit log.
func (x *listener) actor() string {
	if x.agent == "" {
		return "caller:" + x.c.number
	}
	return "agent:" + x.agent
}

// messageClip makes a message's audio known to the media plane, without the
// silence at its end; a name for each call, so that one who ends takes it from no
// other.
func (e *Engine) messageClip(call string, v store.Voicemail) (media.ClipID, bool) {
	f, err := e.recs.Open(v.ID)
	if err != nil {
		e.log.Error("audio of a message is not there", "voicemail", v.ID, "err", err)
		return "", false
	}
	defer f.Close()
	pcm, rate, channels, err := media.ReadWAV(f)
	if err != nil || rate != 8000 || channels != 2 {
		e.log.Error("audio of a message can't be read", "voicemail", v.ID, "err", err)
		return "", false
	}
	const quiet, tail = 400, 4000 // peak of noise; half a second stays
	ulaw, last := make([]byte, len(pcm)/2), 0
	for i := range ulaw {
		s := pcm[2*i]
		if s > quiet || s < -quiet {
			last = i
		}
		ulaw[i] = media.EncodeUlaw(s)
	}
	ulaw = ulaw[:min(len(ulaw), last+tail)]
	if len(ulaw) == 0 {
		return "", false
	}
	id := media.ClipID("voicemail/" + call + "/" + v.ID)
	e.media.AddClip(id, ulaw)
	return id, true
}
