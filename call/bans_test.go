package call_test

import (
	"errors"
	"testing"
	"time"

	"hotline/call"
)

func TestAnAddressThatGuessesIsListedAndLetInAgain(t *testing.T) {
	inBubble(t, phones("UDP"), func(b *bed) {
		D := b.newPeer("UDP", "198.51.100.9:5060")
		D.user = "1001"
		secret := b.secretOf("1001")
		for range 5 {
			r := D.registration("wrong")
			r.send(600)
			r.do("REGISTER", "", "Expires: 600", "Authorization: "+digestOf(t, r.challenge, "REGISTER", r.target, D.user, r.secret, "0a4f113b", 1))
			D.maybe(time.Second, isResponse(401, "REGISTER"))
		}
		list := b.eng.Bans()
		if len(list) != 1 || list[0].Source != "198.51.100.9" || list[0].Times != 1 || time.Until(list[0].Until) > 15*time.Minute {
			t.Fatalf("got %+v, want one of 198.51.100.9", list)
		}
		if v, _ := b.figure("hotline_sip_bans"); v != 1 {
			t.Errorf("metric: got %v, want 1", v)
		}
		if err := b.eng.Unban("198.51.100.8", "test"); !errors.Is(err, call.ErrNotBanned) {
			t.Errorf("another address: got %v", err)
		}
		if err := b.eng.Unban("198.51.100.9", "test"); err != nil || len(b.eng.Bans()) != 0 {
			t.Errorf("let in again: got %v, left %v", err, b.eng.Bans())
		}
		D.register(secret, 600)
	})
}

// secretOf makes a new secret of an agent.
func (b *bed) secretOf(agent string) string {
	b.t.Helper()
	s, err := b.eng.NewSecret(agent)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}
