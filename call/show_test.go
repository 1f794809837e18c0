package call_test

import (
	"errors"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// showCenter has an agent who may show two numbers and dial out.
func showCenter() store.Center {
	c := rulesOf(supervisedCenter())
	a := c.Agents["1001"]
	a.Show = []string{"49301", "49309"}
	c.Agents["1001"] = a
	return c
}

func TestAnAgentChoosesByCodeWhichOfHisNumbersACallShows(t *testing.T) {
	inBubble(t, showCenter(), func(b *bed) {
		_, far := b.worlds()
		ann := b.agent("1001", "10.0.0.11:5060", nil)
		calls := 0
		out := func(number, want string) {
			t.Helper()
			c := b.dials(ann, number)
			time.Sleep(2 * time.Second)
			calls++
			all := far.Calls()
			if len(all) != 1 {
				t.Fatalf("%s: %d calls came by the trunk, want 1", number, len(all))
			}
			if _, got := all[0].Screen(); got != want {
				t.Errorf("%s: the far end sees %s, want %s", number, got, want)
			}
			c.Hangup()
			time.Sleep(time.Second)
		}
		says := func(code string, prompts ...string) {
			t.Helper()
			c := b.dials(ann, code)
			must(t, c.WaitDone(b.ctx()))
			for _, p := range prompts {
				heard(t, c.Listen(), "en", p)
			}
		}
		out("030777", "49301")
		says("*452", "you-entered", "n-9") // and 4, 9, 3, 0
		out("030777", "49309")             // over the next trunk, too: the first one refuses it
		out("030777", "49301")             // it was for one call
		out("*452030777", "49309")
		says("*452")
		says("*450", "thank-you")
		out("030777", "49301")
		says("*453", "invalid-choice") // he has two
		c, err := ann.Call(b.ctx(), "*453030777")
		must(t, err)
		if must(t, c.WaitDone(b.ctx())); c.End().Status != 403 {
			t.Errorf("a third number: got %d, want 403", c.End().Status)
		}
		if _, err := b.eng.Dial("1001", "*453030777", "", "test"); !errors.Is(err, call.ErrNotShown) {
			t.Errorf("a third number, clicked: got %v, want %v", err, call.ErrNotShown)
		}
		b.cdrs()
	})
}

func TestAClickedCallShowsTheNumberThatItsCodeChooses(t *testing.T) {
	inBubble(t, showCenter(), func(b *bed) {
		_, far := b.worlds()
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)))
		_, err := b.eng.Dial("1001", "*452030777", "", "test")
		must(t, err)
		time.Sleep(3 * time.Second)
		b.shows(far, "49309")
		ann.Calls()[0].Hangup()
		b.cdrs()
	})
}
