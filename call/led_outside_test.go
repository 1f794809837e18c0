package call_test

import (
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
)

// A caller who was led to somebody outside: who hung up is named, not the agent who
// had been gone by then.
func TestWhoHangsUpOutsideAfterATransferIsToldInTheRecord(t *testing.T) {
	inBubble(t, callbackCenter(), func(b *bed) {
		home := b.home(phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bobHz))
		b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(annHz))
		caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930222"}), "4001")
		caller.Tone(callerHz)
		time.Sleep(3 * time.Second)
		must(t, b.eng.Order("1001", call.Order{Do: call.DoTransfer, To: "trunk:out/" + backNumber}, "test"))
		time.Sleep(3 * time.Second)
		outside := home.Calls()[0]
		hearOnly(t, "led outside", hears("caller", caller, bobHz), hears("the one outside", outside, callerHz))
		outside.Hangup()
		time.Sleep(time.Second)
		c := b.oneCDR()
		if c.Cause.Text != "the other side hung up" || c.Cause.Blame != "trunk" {
			t.Errorf("got cause %+v after %s, want that the other side hung up, by the trunk", c.Cause, c.Trace)
		}
	})
}
