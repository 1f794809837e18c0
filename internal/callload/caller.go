package callload

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of a call.
var (
	errNoAnswer = errors.New("no answer")
	errNoBye    = errors.New("BYE was not answered")
)

// Call is one caller's call.
type Call struct {
	load   *Load
	id     uint32
	number string // dialled
	callID string
	tag    string
	stream *stream // nil: no audio

	finals chan message  // final answers to the INVITE
	heard  chan struct{} // closed: some answer came, the INVITE is not sent again
	byeOK  chan struct{} // closed: our BYE was answered
	over   chan struct{} // closed: the call has ended, by either side
	first  sync.Once
	bye    sync.Once
	end    sync.Once

	ack    atomic.Pointer[string] // for answers that come again
	to     string
	far    string
	routes []string
	Setup  time.Duration // from the INVITE to its 200
}

// Dial places a call and returns when it is answered and acknowledged.
func (l *Load) Dial(ctx context.Context) (*Call, error) { return l.dial(ctx, l.cfg.Number, nil) }

// dial is Dial to a number; prepare, if any, gets the stream before it speaks.
func (l *Load) dial(ctx context.Context, number string, prepare func(*stream)) (*Call, error) {
	c := &Call{load: l, number: number, id: l.ids.Add(1), callID: token(), tag: token(), finals: make(chan message, 4),
		heard: make(chan struct{}), byeOK: make(chan struct{}), over: make(chan struct{})}
	at := l.sink
	if !l.cfg.Silent {
		var err error
		if c.stream, err = l.run.newStream(l.sink.Addr(), c.id<<1|1); err != nil {
			return nil, err
		}
		at = c.stream.addr
		if prepare != nil {
			prepare(c.stream)
		}
	}
	l.calls.Store(c.callID, c)
	began := time.Now()
	branch := token()
	invite := c.request("INVITE", c.dialled(), "<"+c.dialled()+">", 1, branch,
		fmt.Sprintf("Contact: <sip:%s@%s>\r\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\nContent-Type: application/sdp\r\n", c.user(), l.callers.addr), describe(at))
	// Ends with an answer; a call that nobody answers is given up below.
	l.run.wg.Go(func() { l.resend(c.heard, func() { l.callers.send(l.cfg.Target, invite) }) })
	select {
	case m := <-c.finals:
		c.Setup = time.Since(began)
		if err := c.settle(m, branch); err != nil {
			c.gone()
			return nil, err
		}
		return c, nil
	case <-ctx.Done():
		c.first.Do(func() { close(c.heard) })
		c.cancel(branch)
		return nil, errNoAnswer
	}
}

// cancelWait is how long a cancelled call waits for its final answer.
const cancelWait = 2 * time.Second

// cancel takes back an INVITE; an answer that comes nevertheless is ended.
func (c *Call) cancel(branch string) {
	defer c.gone()
	c.load.callers.send(c.load.cfg.Target, c.request("CANCEL", c.dialled(), "<"+c.dialled()+">", 1, branch, "", ""))
	select {
	case m := <-c.finals:
		if c.settle(m, branch) == nil {
			_ = c.Hangup() // its error would hide why the call failed
		}
	case <-time.After(cancelWait):
	case <-c.load.closed:
	}
}

// settle acknowledges the final answer and begins to speak.
func (c *Call) settle(m message, branch string) error {
	c.to = m.field("to")
	if m.status() >= 300 {
		ack := c.request("ACK", c.dialled(), c.to, 1, branch, "", "")
		c.ack.Store(&ack)
		c.load.callers.send(c.load.cfg.Target, ack)
		return errors.New(strconv.Itoa(m.status()))
	}
	c.far = uri(m.field("contact"))
	for _, f := range m.fields {
		if f[0] == "record-route" {
			c.routes = append([]string{f[1]}, c.routes...)
		}
	}
	ack := c.request("ACK", c.far, c.to, 1, token(), "", "")
	c.ack.Store(&ack)
	c.load.callers.send(c.load.cfg.Target, ack)
	if c.stream == nil {
		return nil
	}
	far, ok := audioAddr(m.body)
	if !ok {
		return errors.New("answer without an audio address")
	}
	c.stream.start(far)
	return nil
}

// Hangup ends the call and returns when the server has agreed.
func (c *Call) Hangup() error {
	defer c.gone()
	bye := c.request("BYE", c.far, c.to, 2, token(), "", "")
	done := make(chan struct{})
	// Ends with either of the two, or with the call's resends below.
	go func() {
		select {
		case <-c.byeOK:
		case <-c.over:
		case <-c.load.closed:
		}
		close(done)
	}()
	if !c.load.resend(done, func() { c.load.callers.send(c.load.cfg.Target, bye) }) {
		return errNoBye
	}
	return nil
}

// Over is closed when the call has ended, by either side.
func (c *Call) Over() <-chan struct{} { return c.over }

// Packets tells how many packets of audio the caller has sent.
func (c *Call) Packets() int { return int(c.stream.sent.Load()) }

func (c *Call) gone() {
	c.end.Do(func() {
		if c.stream != nil {
			c.stream.close()
		}
		c.load.calls.Delete(c.callID)
		c.bye.Do(func() { close(c.byeOK) })
		close(c.over)
	})
}

// callerPrefix begins the number of a caller; his id follows.
const callerPrefix = "20"

func (c *Call) user() string { return callerPrefix + fmt.Sprintf("%06d", c.id) }

// callerOf reads back which caller a number belongs to.
func callerOf(user string) (uint32, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(user, "+"), callerPrefix)
	n, err := strconv.ParseUint(rest, 10, 31)
	return uint32(n), ok && err == nil
}

func (c *Call) dialled() string {
	return "sip:" + c.number + "@" + c.load.cfg.Target.String()
}

func (c *Call) request(method, target, to string, cseq int, branch, extra, body string) string {
	l := c.load
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\nMax-Forwards: 70\r\n", method, target, l.callers.addr, branch)
	fmt.Fprintf(&b, "From: <sip:%s@%s>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", c.user(), l.cfg.Target, c.tag, to, c.callID, cseq, method)
	for _, r := range c.routes {
		b.WriteString("Route: " + r + "\r\n")
	}
	fmt.Fprintf(&b, "%sContent-Length: %d\r\n\r\n%s", extra, len(body), body)
	return b.String()
}

// toCaller takes what comes to the callers' socket.
func (l *Load) toCaller(m message, from netip.AddrPort) {
	v, known := l.calls.Load(m.field("call-id"))
	if !known {
		if m.status() == 0 && m.method() != "ACK" {
			l.strays.Add(1)
			l.callers.send(from, answer(m, "481 Call/Transaction Does Not Exist", token(), "", ""))
		}
		return
	}
	c := v.(*Call)
	switch status, method := m.status(), m.method(); {
	case status == 0 && method == "BYE":
		l.byes.Add(1)
		l.callers.send(from, answer(m, "200 OK", c.tag, "", ""))
		c.gone()
	case status == 0 && method == "INVITE":
		at := l.sink
		if c.stream != nil {
			at = c.stream.addr
			if far, ok := audioAddr(m.body); ok {
				c.stream.start(far)
			}
		}
		l.callers.send(from, answer(m, "200 OK", c.tag, fmt.Sprintf("Contact: <sip:%s@%s>\r\n", c.user(), l.callers.addr), describe(at)))
	case status == 0 && method != "ACK":
		l.callers.send(from, answer(m, "200 OK", c.tag, "", ""))
	case method == "INVITE":
		c.first.Do(func() { close(c.heard) })
		if status < 200 {
			return
		}
		if ack := c.ack.Load(); ack != nil {
			l.callers.send(l.cfg.Target, *ack)
			return
		}
		select {
		case c.finals <- m:
		default:
		}
	case method == "BYE" && status >= 200:
		c.bye.Do(func() { close(c.byeOK) })
	}
}
