package sip

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mixer is a peer that answers whatever it gets, well or badly, and does what
// comes to its mind.
type mixer struct {
	*peer
	rnd *rand.Rand

	mu   sync.Mutex        // guards the fields below
	tags map[string]string // of our dialogs by Call-ID, as far as known
	over bool
}

// listen answers until nothing comes for long.
func (x *mixer) listen() {
	for {
		text := x.read(2 * time.Hour)
		if text == "" {
			return
		}
		m, err := parse(text, x.tcp)
		if err != nil {
			x.t.Errorf("we sent what we cannot read: %v\n%s", err, text)
			return
		}
		x.mu.Lock()
		if m.method == "" && m.toTag != "" {
			x.tags[m.callID] = m.toTag
		}
		status := 200
		if !x.over {
			switch n := x.rnd.IntN(20); {
			case n == 0:
				status = 0
			case n == 1:
				status = 481
			case n == 2 && m.method == "INVITE":
				status = 486
			}
		}
		x.mu.Unlock()
		switch {
		case m.method == "ACK" || m.method == "CANCEL" && status == 0:
		case m.method != "" && status != 0:
			x.send(x.answer(m, status, "b", map[bool]string{true: "answer"}[m.method == "INVITE"]))
		case m.status >= 200 && m.cseqMethod == "INVITE":
			x.send(x.ask("ACK", m.callID, m.via.branch[len(magic):], ";tag="+m.fromTag, ";tag="+m.toTag, int(m.cseq), ""))
		}
	}
}

// act does one thing to one of its calls.
func (x *mixer) act(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	id := fmt.Sprintf("%s-%d", x.addr, x.rnd.IntN(4))
	other := fmt.Sprintf("%s-%d", x.addr, x.rnd.IntN(4))
	branch := fmt.Sprintf("%s.%d", id, n)
	replaces := other + ";to-tag=" + x.tags[other] + ";from-tag=b"
	if x.tags[other] == "" || x.rnd.IntN(5) == 0 {
		replaces = other + ";to-tag=x;from-tag=y;early-only"
	}
	to := ""
	if tag := x.tags[id]; tag != "" {
		to = ";tag=" + tag
	}
	switch x.rnd.IntN(9) {
	case 0, 1:
		delete(x.tags, id)
		x.send(x.ask("INVITE", id, branch, ";tag=b", "", n, "offer"))
	case 2:
		x.send(x.ask("INVITE", id+"r", branch, ";tag=b", "", n, "offer", "Replaces: "+replaces))
	case 3:
		x.send(x.ask("REFER", id, branch, ";tag=b", to, n, "", "Refer-To: <sip:carol@10.0.0.1>"))
	case 4:
		x.send(x.ask("REFER", id, branch, ";tag=b", to, n, "", "Refer-To: <sip:carol@10.0.0.1?Replaces="+escapeHeader(replaces)+">"))
	case 5:
		x.send(x.ask("BYE", id, branch, ";tag=b", to, n, ""))
	case 6:
		x.send(x.ask("SUBSCRIBE", "s"+id, branch, ";tag=b", "", n, "", "Event: dialog", "Expires: 120"))
	case 7:
		x.send(x.ask("NOTIFY", id, branch, ";tag=b", to, n, "SIP/2.0 200 OK", "Content-Type: message/sipfrag", "Event: refer", "Subscription-State: terminated"))
	case 8:
		x.send(x.ask("SUBSCRIBE", id, branch, ";tag=b", to, n, "", "Event: refer", "Expires: 0"))
	}
}

// owner does what comes to his mind with a call.
func own(l *leg, rnd *rand.Rand) {
	for range rnd.IntN(3) {
		switch rnd.IntN(6) {
		case 0, 1:
			l.Answer(l.media)
		case 2:
			l.Ring()
		case 3:
			l.Refer(ReferTarget{URI: "sip:dan@10.0.0.9"})
		case 4:
			l.Reoffer()
		case 5:
			if rnd.IntN(4) == 0 {
				l.End(Cause{Status: 486})
			}
		}
	}
	for {
		select {
		case e := <-l.box:
			ref, ok := e.(Referred)
			if !ok {
				continue
			}
			switch rnd.IntN(4) {
			case 0:
				ref.Reject(603)
			case 1:
				ref.Accept()
				ref.Progress(180, "")
				ref.Progress(200, "")
			case 2:
				ref.Accept()
			}
			if ref.Old != nil && rnd.IntN(2) == 0 {
				ref.Old.End(Cause{})
			}
			continue
		default:
		}
		return
	}
}

func TestWhateverPeersAndOwnersDoNothingIsLeft(t *testing.T) {
	runs := 20
	if testing.Short() {
		runs = 5
	}
	for seed := range runs {
		rnd := rand.New(rand.NewPCG(uint64(seed), 1))
		bubble(t, func(c *Config) {
			watching(c)
			c.MayReplace = func(*Incoming, *Dialog) bool { return true }
		}, func(r *rig) {
			peers := []*mixer{{peer: r.udp("10.0.0.2:5060")}, {peer: r.tcp("10.0.0.3")}}
			var wg sync.WaitGroup
			for i, x := range peers {
				x.rnd, x.tags = rand.New(rand.NewPCG(uint64(seed), uint64(i+2))), map[string]string{}
				wg.Go(x.listen) // ends when its socket is closed below
			}
			var out []*leg
			for n := 1; n < 120; n++ {
				peers[rnd.IntN(2)].act(n)
				if rnd.IntN(2) == 0 {
					time.Sleep(time.Duration(rnd.IntN(1500)) * time.Millisecond)
				}
				if rnd.IntN(10) == 0 {
					out = append(out, r.dial(nil, peers[0].uri()))
				}
				r.ep.PublishDialogState("4000", DialogInfo{ID: fmt.Sprint(n), State: "confirmed"})
				r.mu.Lock()
				calls := append(append([]*leg{}, r.calls...), out...)
				r.mu.Unlock()
				for _, l := range calls {
					own(l, rnd)
				}
			}
			for _, x := range peers {
				x.mu.Lock()
				x.over = true
				x.mu.Unlock()
			}
			time.Sleep(time.Second) // what is under way arrives
			r.mu.Lock()
			for _, l := range append(r.calls, out...) {
				l.End(Cause{})
			}
			r.mu.Unlock()
			time.Sleep(20 * time.Minute)
			s := r.ep.Stats()
			if s.Panics.Load() != 0 || s.Dialogs.Load() != 0 || s.Transactions.Load() != 0 || len(r.ep.Subscriptions()) != 0 || r.ep.published.count != 0 {
				t.Errorf("seed %d: %d panics, %d dialogs, %d transactions, %d subscriptions left", seed, s.Panics.Load(), s.Dialogs.Load(), s.Transactions.Load(), len(r.ep.Subscriptions()))
			}
			for _, w := range r.ep.workers {
				w.post(func() {
					if n := len(w.alarms); n > 1 { // one is the housekeeper's
						t.Errorf("seed %d: %d alarms left", seed, n)
					}
				})
			}
			synctest.Wait()
			peers[0].pc.Close()
			peers[1].conn.Close()
			wg.Wait()
		})
	}
}
