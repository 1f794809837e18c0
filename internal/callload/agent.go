package callload

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
)

// agentCall is a call that came to an agent's phone, which answers at once.
type agentCall struct {
	invite message
	caller uint32 // id of the caller whose number the phone showed
	tag    string
	stream *stream // nil: no audio
	up     atomic.Bool
	acked  chan struct{} // closed: the ACK came, or the call is over
	once   sync.Once     // of acked
	end    sync.Once
}

// toAgent takes what comes to the agents' socket.
func (l *Load) toAgent(m message, from netip.AddrPort) {
	if m.status() != 0 {
		return
	}
	id := m.field("call-id")
	v, known := l.answered.Load(id)
	switch method := m.method(); {
	case !known && method == "INVITE":
		l.takeCall(id, m, from)
	case !known && method == "ACK":
	case !known && method != "OPTIONS":
		l.strays.Add(1)
		l.agents.send(from, answer(m, "481 Call/Transaction Does Not Exist", token(), "", ""))
	case !known:
		l.agents.send(from, answer(m, "200 OK", token(), "", ""))
	default:
		l.withinCall(id, v.(*agentCall), method, m, from)
	}
}

// takeCall rings and answers.
func (l *Load) takeCall(id string, m message, from netip.AddrPort) {
	a := &agentCall{invite: m, tag: token(), acked: make(chan struct{})}
	caller, ours := callerOf(userOf(m.field("from")))
	if ours {
		a.caller = caller
	}
	l.agents.send(from, answer(m, "180 Ringing", a.tag, l.agentContact(m), ""))
	at := l.sink
	if far, ok := audioAddr(m.body); ok && !l.cfg.Silent {
		s, err := l.run.newStream(l.sink.Addr(), l.ids.Add(1)<<1)
		if err != nil {
			l.agents.send(from, answer(m, "503 Service Unavailable", a.tag, "", ""))
			return
		}
		a.stream, at = s, s.addr
		if ours {
			s.expect(caller<<1 | 1)
		}
		s.start(far)
	}
	l.answered.Store(id, a)
	a.up.Store(true)
	l.agentUp.Add(1)
	l.seats.Add(1)
	select {
	case <-l.closed: // Close may have missed this one
		l.leave(id, a)
		return
	default:
	}
	ok := answer(m, "200 OK", a.tag, l.agentContact(m), describe(at))
	// Ends with the ACK, with the call, or with the timers of RFC 3261 section 13.3.1.4.
	l.run.wg.Go(func() { l.resend(a.acked, func() { l.agents.send(from, ok) }) })
}

func (l *Load) agentContact(m message) string {
	return fmt.Sprintf("Contact: <sip:%s@%s>\r\n", userOf(m.field("to")), l.agents.addr)
}

// withinCall takes a request of a call that is known.
func (l *Load) withinCall(id string, a *agentCall, method string, m message, from netip.AddrPort) {
	switch method {
	case "ACK":
		a.once.Do(func() { close(a.acked) })
	case "BYE":
		l.byes.Add(1)
		l.agents.send(from, answer(m, "200 OK", a.tag, "", ""))
		l.leave(id, a)
	case "CANCEL":
		// The 200 was sent at once: a CANCEL always comes too late.
		l.agents.send(from, answer(m, "200 OK", a.tag, "", ""))
	case "INVITE":
		if m.field("cseq") == a.invite.field("cseq") {
			return // sent again; the 200 is being sent again too
		}
		at := l.sink
		if a.stream != nil {
			at = a.stream.addr
			if far, ok := audioAddr(m.body); ok {
				a.stream.start(far)
			}
		}
		l.agents.send(from, answer(m, "200 OK", a.tag, l.agentContact(m), describe(at)))
	default:
		l.agents.send(from, answer(m, "200 OK", a.tag, "", ""))
	}
}

func (l *Load) leave(id string, a *agentCall) {
	a.end.Do(func() {
		a.up.Store(false)
		l.agentUp.Add(-1)
		a.once.Do(func() { close(a.acked) })
		if a.stream != nil {
			a.stream.close()
		}
		l.answered.Delete(id)
	})
}
