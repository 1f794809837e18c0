package call_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
)

func TestASupervisorMovesAWaitingCallerToTheFront(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		first := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "49301"}), "4001")
		time.Sleep(time.Second)
		second := b.dials(b.phone("10.0.1.2:5060", phone.Config{User: "49302"}), "4001")
		time.Sleep(time.Second)
		must(t, b.eng.Front(b.eng.Calls()[1].ID, "test"))
		b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		time.Sleep(8 * time.Second)
		for _, v := range b.eng.Calls() {
			if want := map[string]string{"49301": "wait sales", "49302": "talk"}[v.Caller]; v.Stage != want {
				t.Errorf("caller %s: got stage %s, want %s", v.Caller, v.Stage, want)
			}
		}
		if err := b.eng.Front(b.eng.Calls()[1].ID, "test"); err == nil {
			t.Error("a call in talk was moved to the front")
		}
		first.Hangup()
		second.Hangup()
	})
}
