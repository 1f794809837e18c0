package call_test

import (
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

func TestHowLongAnAgentWorkedAfterATalkIsInItsRecordAndReport(t *testing.T) {
	center := noteCenter()
	center.Settings.Survey = "rating" // while the caller answers it the first wrap-up ends
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c, leg := b.talks(ann, b.callerAt(1))
		leg.Hangup()
		time.Sleep(time.Second)
		must(t, b.eng.EndWrapUp("1001", "test"))
		must(t, c.WaitSpeech(b.ctx()))
		c.Hangup()
		second, _ := b.talks(ann, b.callerAt(2))
		second.Hangup()
		time.Sleep(5 * time.Second)
		_, err := b.eng.Note("1001", call.NoteRequest{Code: "sale"}, "agent:1001") // as she works
		must(t, err)
		time.Sleep(20 * time.Second)
		b.agentState("1001", "ready")
		all := b.cdrs()
		if len(all) != 2 {
			t.Fatalf("got %d records, want 2", len(all))
		}
		for _, r := range all {
			want, code := time.Second, ""
			if r.Caller == "4930123402" {
				want, code = 20*time.Second, "sale"
			}
			if got := r.Talks[0].WrapUp.D(); got < want-200*time.Millisecond || got > want+200*time.Millisecond || r.Code() != code {
				t.Errorf("caller %s: got a wrap-up of %v and code %q, want %v and %q", r.Caller, got, r.Code(), want, code)
			}
		}
		rep, err := b.eng.OutcomeReport(store.Filter{Queue: "sales"})
		must(t, err)
		if len(rep.Outcomes) != 2 || rep.Outcomes[1] != (call.OutcomeRow{Queue: "sales", Agent: "1001", Code: "sale", Name: "Sold", Calls: 1}) {
			t.Errorf("got outcomes %+v", rep.Outcomes)
		}
		if len(rep.Work) != 1 || rep.Work[0].Talks != 2 || rep.Work[0].WrapUps != 2 || rep.Work[0].WrapUp.D().Round(time.Second) != 21*time.Second {
			t.Errorf("got work %+v", rep.Work)
		}
	})
}
