package call_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// noteCenter has two dispositions, one of them for another queue, no survey, and a
// wrap-up of 20 s.
func noteCenter() store.Center {
	c := wholeCenter()
	c.Settings.Survey = "none"
	c.Settings.Dispositions = map[string]store.DispositionCode{
		"sale": {Name: "Sold", Digits: "1"}, "refund": {Queues: []string{"support"}, Digits: "2"}}
	c.Settings.Reasons = map[string]string{"1": "tea"}
	c.Queues["support"] = store.Queue{}
	wrap := store.Duration(20 * time.Second)
	q := c.Queues["sales"]
	q.WrapUp = &wrap
	c.Queues["sales"] = q
	return c
}

func TestWhatCameOfACallIsNotedInTalkInWrapUpAndLater(t *testing.T) {
	inBubble(t, noteCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, _ := b.talks(ann, b.callerAt(1))
		d, err := b.eng.Note("1001", call.NoteRequest{Text: "wants two"}, "agent:1001")
		if err != nil || d.Notes != "wants two" || d.By != "agent:1001" {
			t.Fatalf("in talk: got %+v, %v", d, err)
		}
		for _, bad := range []struct {
			n     call.NoteRequest
			actor string
			want  error
		}{
			{call.NoteRequest{}, "cli", call.ErrNoNote},
			{call.NoteRequest{Code: "gift"}, "cli", call.ErrNoCode},
			{call.NoteRequest{Code: "refund"}, "cli", call.ErrNoCode},
			{call.NoteRequest{Code: "sale"}, "agent:1002", call.ErrNotHis},
			{call.NoteRequest{Text: "\x07"}, "cli", call.ErrBadValue},
			{call.NoteRequest{Text: strings.Repeat("x", 2001)}, "cli", call.ErrBadValue},
		} {
			if _, err := b.eng.Note("1001", bad.n, bad.actor); !errors.Is(err, bad.want) {
				t.Errorf("%+v by %s: got %v, want %v", bad.n, bad.actor, err, bad.want)
			}
		}
		c.Hangup()
		time.Sleep(time.Second)
		b.agentState("1001", "wrap-up")
		must(t, b.dials(ann, "*61").WaitDone(b.ctx()))
		r := b.oneOf("sales")
		if d := r.Disposition; d == nil || d.Code != "sale" || d.Notes != "wants two" {
			t.Errorf("after the code: got %+v, want sale and the notes of the talk", d)
		}
		if _, err := b.eng.Note(r.ID, call.NoteRequest{Text: "took three"}, "cli:root"); err != nil {
			t.Error(err)
		}
		if d := b.oneOf("sales").Disposition; d == nil || d.Code != "sale" || d.Notes != "took three" || d.By != "cli:root" {
			t.Errorf("later: got %+v, want sale, took three, by cli:root", d)
		}
		if _, err := b.eng.Note("no-such-call", call.NoteRequest{Text: "x"}, "cli"); !errors.Is(err, call.ErrUnknownContact) {
			t.Errorf("a call that is not there: got %v", err)
		}
	})
}

// oneOf is the record of the one ended call of a queue.
func (b *bed) oneOf(queue string) store.CDR {
	b.t.Helper()
	var out []store.CDR
	must(b.t, b.st.CDRs(store.Filter{Queue: queue}, func(c store.CDR) bool { out = append(out, c); return true }))
	if len(out) != 1 {
		b.t.Fatalf("got %d records of queue %s, want 1", len(out), queue)
	}
	return out[0]
}

func TestAnAgentExtendsAndEndsHisWrapUp(t *testing.T) {
	inBubble(t, noteCenter(), func(b *bed) {
		if err := b.eng.ExtendWrapUp("1001", time.Minute, "cli"); !errors.Is(err, call.ErrNoWrapUp) {
			t.Errorf("without wrap-up: got %v", err)
		}
		if err := b.eng.ExtendWrapUp("1001", 2*time.Hour, "cli"); !errors.Is(err, call.ErrBadExtend) {
			t.Errorf("two hours: got %v", err)
		}
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, _ := b.talks(ann, b.callerAt(1))
		c.Hangup()
		time.Sleep(time.Second)
		must(t, b.dials(ann, "*441").WaitDone(b.ctx()))
		time.Sleep(60 * time.Second) // 20 s would have been over
		b.agentState("1001", "wrap-up")
		must(t, b.eng.ExtendWrapUp("1001", time.Minute, "cli"))
		time.Sleep(60 * time.Second)
		b.agentState("1001", "wrap-up")
		must(t, b.eng.EndWrapUp("1001", "cli"))
		b.agentState("1001", "ready")
		if err := b.eng.EndWrapUp("1001", "cli"); !errors.Is(err, call.ErrNoWrapUp) {
			t.Errorf("twice: got %v", err)
		}
		c, _ = b.talks(ann, b.callerAt(2))
		c.Hangup()
		time.Sleep(time.Second)
		b.agentState("1001", "wrap-up")
		must(t, b.eng.SetAgentState("1001", "not ready", "lunch", "cli")) // for after it
		b.agentState("1001", "wrap-up")
		must(t, b.dials(ann, "*440").WaitDone(b.ctx()))
		b.agentState("1001", "not ready (lunch)")
		must(t, b.dials(ann, "*421").WaitDone(b.ctx()))
		b.agentState("1001", "not ready (tea)")
		again, err := ann.Call(b.ctx(), "*422") // none of this center's reasons
		must(t, err)
		if must(t, again.WaitDone(b.ctx())); again.End().Status != 404 {
			t.Errorf("*422: got %d, want 404", again.End().Status)
		}
	})
}
