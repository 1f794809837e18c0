package call

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
	"hotline/media/sdp"
	"hotline/sip"
	"hotline/store"
)

// Leg is one dialog and its audio stream. The dialog's SIP worker composes
// descriptions through it, both planes tell it what happened, and the call's
// goroutine reads that from its channels. None of the channels is ever waited
// for by those who write: what finds no room is dropped and counted.
type Leg struct {
	id    media.LegID
	eng   *Engine
	role  string // "caller", "agent", "party"
	peer  string // "agent:1001", "trunk:acme"
	phone string // number or user part
	began time.Time

	d     *sip.Dialog  // set once, before any event
	desc  *sdp.Session // the SIP worker's
	local media.Local
	latch []netip.Prefix // further sources from which audio may come; the SIP worker's

	ctx     context.Context // ends with the dialog; its cause is a *legEnded
	end     context.CancelCauseFunc
	ready   chan struct{} // closed when audio can flow
	up      chan struct{} // closed when the dialog is confirmed
	ringing chan sip.Ringing
	digits  chan digit
	holds   chan struct{} // held has changed
	refers  chan *sip.Refer
	call    atomic.Pointer[Call] // whose leg it is, set after d; nil: a supervisor's
	rung    bool                 // we have dialled it
	trial   atomic.Bool          // another one takes its place if it is not answered
	hushed  chan struct{}        // quiet for long in a message that it leaves
	updated chan struct{}        // the dialog's state changed
	moved   func()               // journals that; called by those who wait on the leg; nil: nobody cares
	closed  chan media.LegStats

	readyOnce, upOnce sync.Once
	held              atomic.Bool
	closing           atomic.Bool  // we have ended its audio
	info              atomic.Bool  // digits come by INFO
	rang              atomic.Bool  // it said 180
	answered          atomic.Int64 // Unix ns
	talks             atomic.Int64 // since when its silence counts, Unix ns; 0: not in talk
	codec             atomic.Uint32

	counted atomic.Pointer[[]string] // what the call out was counted for; nil: nothing

	mask  mask
	quiet quiet
	music music

	mu    sync.Mutex                     // guards plays and next
	plays map[media.PlayID]chan struct{} // closed when the play has ended
	next  media.PlayID
}

// digit is a key that the far end pressed.
type digit struct {
	r      rune
	info   bool // by INFO: audio carried nothing of it
	dur    time.Duration
	sounds bool // in the audio itself
}

// typeAhead is how many digits a leg keeps for a menu that comes later.
const typeAhead = 32

// newLeg opens the audio of a leg. It fails with media.ErrNoPorts.
func (e *Engine) newLeg(role, peer, phone string) (*Leg, error) {
	l := &Leg{
		id: media.LegID(store.NewID(time.Now())), eng: e, role: role, peer: peer, phone: phone,
		began: time.Now(),
		ready: make(chan struct{}), up: make(chan struct{}),
		ringing: make(chan sip.Ringing, 16), digits: make(chan digit, typeAhead),
		holds: make(chan struct{}, 1), refers: make(chan *sip.Refer, referQueue), updated: make(chan struct{}, 1), hushed: make(chan struct{}, 1),
		closed: make(chan media.LegStats, 1),
		plays:  map[media.PlayID]chan struct{}{},
		quiet:  quiet{changed: make(chan struct{}, 1)},
	}
	l.ctx, l.end = context.WithCancelCause(context.Background())
	e.legs.Store(l.id, l) // before it can be told of its end
	local, err := e.media.Open(l.id)
	if err != nil {
		e.legs.Delete(l.id)
		return nil, fmt.Errorf("call: open audio: %w", err)
	}
	l.local = local
	l.desc = sdp.New(described(local.Addr, e.world.Load().secures(peer)))
	return l, nil
}

// faces sets the address of our descriptions for a far end at one of those
// addresses, none if they are not known yet: what a STUN server saw, if the far end
// is not on our side of the NAT. It must come before any description is made.
func (l *Leg) faces(far ...netip.Addr) {
	host := l.eng.sip.External().Addr.Addr()
	if !host.IsValid() || host.Is6() != l.local.Addr.Addr().Is6() {
		return
	}
	for _, a := range far {
		if sip.Inside(a) {
			return
		}
	}
	l.desc = sdp.New(described(netip.AddrPortFrom(host, l.local.Addr.Port()), l.eng.world.Load().secures(l.peer)))
}

// aims takes where a leg's INVITE goes: audio from there is its own.
func (l *Leg) aims(targets []sip.Target) {
	var far []netip.Addr
	for _, t := range targets {
		if t.Addr.IsValid() {
			a := t.Addr.Addr().Unmap()
			l.latch = append(l.latch, netip.PrefixFrom(a, a.BitLen()))
			far = append(far, a)
		}
	}
	l.faces(far...)
}

// described is what we speak, at an address.
func described(addr netip.AddrPort, secured sdp.Policy) sdp.Local {
	return sdp.Local{Addr: addr, Codecs: []uint8{uint8(media.PCMU), uint8(media.PCMA)}, Events: true, PTime: 20 * time.Millisecond, SRTP: secured}
}

// usable tells whether an offer could be answered, without answering it.
func usable(offer []byte, secured sdp.Policy) error {
	_, _, err := sdp.New(described(netip.AddrPort{}, secured)).Answer(offer, sdp.SendRecv)
	return err
}

// close frees the leg's audio and gives its last figures.
func (l *Leg) close() media.LegStats {
	l.closing.Store(true)
	l.eng.media.Do(media.Close{Leg: l.id})
	defer l.eng.blf.changed()
	defer l.eng.legs.Delete(l.id)
	if names := l.counted.Swap(nil); names != nil {
		l.eng.outs.give(*names)
	}
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case st := <-l.closed:
		return st
	case <-t.C:
		return media.LegStats{}
	}
}

// Offer, Answer and Accept make Leg a sip.Media; they run on the SIP worker.

// Offer composes our description.
func (l *Leg) Offer() ([]byte, error) { return l.desc.Offer(sdp.SendRecv), nil }

// Answer reads theirs and composes ours.
func (l *Leg) Answer(offer []byte) ([]byte, error) {
	body, r, err := l.desc.Answer(offer, sdp.SendRecv)
	if err != nil {
		return nil, err
	}
	if err := l.plausible(r.Addr.Addr()); err != nil {
		return nil, err
	}
	l.apply(r)
	return body, nil
}

// errElsewhere refuses a description that would make us send audio to an
// address which only this machine or its own link can mean.
var errElsewhere = errors.New("call: description names a local address, but did not come from there")

// plausible keeps audio away from loopback and link-local addresses unless the
// signalling came from such a one.
func (l *Leg) plausible(a netip.Addr) error {
	local := func(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() }
	if !local(a) || len(l.latch) == 0 {
		return nil
	}
	for _, p := range l.latch {
		if local(p.Addr()) {
			return nil
		}
	}
	return errElsewhere
}

// Accept reads their answer to our offer.
func (l *Leg) Accept(answer []byte) error {
	r, err := l.desc.Accept(answer)
	if err != nil {
		return err
	}
	if err := l.plausible(r.Addr.Addr()); err != nil {
		return err
	}
	l.apply(r)
	return nil
}

// ourEventType is the telephone-event payload type of our own offers, which a
// peer should send even if its answer names another.
const ourEventType = 101

// apply hands what was negotiated to the media engine and notes a hold.
func (l *Leg) apply(r sdp.Remote) {
	l.codec.Store(uint32(r.Codec) + 1)
	l.eng.media.Do(media.SetRemote{
		Leg: l.id, Addr: r.Addr, Control: r.Control, Mux: r.Mux, Codec: media.Codec(r.Codec), EventType: r.EventType, EventIn: ourEventType,
		AudioType: r.PayloadType,
		Send:      r.Send, Receive: r.Receive, PTime: r.PTime, Latch: l.latch,
		InBandDTMF: r.EventType == 0,
		SRTP:       media.SRTP{Suite: r.Crypto.Suite, Ours: []byte(r.Crypto.Ours), Theirs: []byte(r.Crypto.Theirs), MKI: []byte(r.Crypto.MKI)},
	})
	l.readyOnce.Do(func() { close(l.ready) })
	if l.held.Load() != r.Held {
		if since := l.talks.Load(); since != 0 { // who held may have been silent: it counts anew
			l.talks.CompareAndSwap(since, time.Now().UnixNano())
		}
		l.held.Store(r.Held)
		l.audible()
		signal(l.holds)
		l.eng.blf.changed()
	}
}

// Deliver makes Leg a sip.Inbox; it runs on the SIP worker.
func (l *Leg) Deliver(ev sip.Event) {
	defer l.eng.blf.changed()
	switch ev := ev.(type) {
	case sip.Ringing:
		if ev.Status == 180 {
			l.rang.Store(true)
		}
		select {
		case l.ringing <- ev:
		default:
			l.eng.stats.Dropped.Add(1)
		}
	case sip.Answered:
		l.answered.CompareAndSwap(0, time.Now().UnixNano())
		l.upOnce.Do(func() { close(l.up) })
		signal(l.updated)
	case sip.Updated:
		signal(l.updated)
	case sip.Digit:
		l.info.Store(true)
		l.press(digit{r: ev.Rune, info: true, dur: ev.Duration})
	case sip.Referred:
		l.referred(ev.Refer)
	case sip.Failed, sip.Ended:
		l.end(endedOf(ev))
	}
}

// signal wakes whoever reads a channel of one element.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// heard takes an event of the media engine; it runs on the engine's goroutine.
func (l *Leg) heard(ev media.Event) {
	switch ev := ev.(type) {
	case media.Digit:
		if ev.Method == "inband" && l.info.Load() {
			return // a phone that sends INFO may sound its keys as well
		}
		l.press(digit{r: ev.Rune, dur: ev.Duration, sounds: ev.Method == "inband"})
	case media.Played:
		l.mu.Lock()
		done := l.plays[ev.ID]
		delete(l.plays, ev.ID)
		l.mu.Unlock()
		if done != nil {
			close(done)
		}
	case media.Hushed:
		signal(l.hushed)
	case media.Silent, media.Heard:
		l.heardOf(ev)
	case media.Closed:
		select {
		case l.closed <- ev.Stats:
		default:
		}
		if !l.closing.Load() {
			l.end(&legEnded{text: ErrMediaDied.Error(), lost: true})
		}
	}
}

// silent is how much of a silence counts: the part in talk. Who waits or listens
// to a menu may have a phone that sends nothing meanwhile.
func (l *Leg) silent(d time.Duration) time.Duration {
	since := l.talks.Load()
	if since == 0 {
		return 0
	}
	return min(d, time.Since(time.Unix(0, since)))
}

func (l *Leg) press(d digit) {
	select {
	case l.digits <- d:
	default:
		l.eng.stats.Dropped.Add(1)
	}
}

// start plays clips and returns the id and a channel that closes when it ended. What
// ends by itself is heard over whoever speaks to the leg, music instead of him.
func (l *Leg) start(clips []media.ClipID, tone media.Tone, loop bool) (media.PlayID, <-chan struct{}) {
	id, done := l.newPlay()
	l.music.play(l.eng.media.Do, media.Play{Leg: l.id, ID: id, Clips: clips, Tone: tone, Loop: loop, Over: !loop})
	return id, done
}

func (l *Leg) newPlay() (media.PlayID, chan struct{}) {
	done := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	l.plays[l.next] = done
	return l.next, done
}

// tell plays something short to somebody in a talk, over whom he hears; music that
// he hears instead goes on behind it.
func (l *Leg) tell(clips []media.ClipID, tone media.Tone) {
	id, done := l.newPlay()
	music := l.music.over(l.eng.media.Do, media.Play{Leg: l.id, ID: id, Clips: clips, Tone: tone, Over: true})
	if music == nil {
		return
	}
	go func() { // ends with the play or the leg
		select {
		case <-done:
			l.music.resume(l.eng.media.Do, music, id)
		case <-l.ctx.Done():
		}
	}()
}

// stop ends whatever plays.
func (l *Leg) stop() { l.music.stop(l.eng.media.Do, l.id) }

// play plays clips to their end. Where interrupt is set a waiting digit ends it.
func (l *Leg) play(ctx context.Context, clips []media.ClipID, interrupt bool) error {
	if len(clips) == 0 {
		return context.Cause(ctx)
	}
	if interrupt && len(l.digits) > 0 {
		return nil
	}
	id, done := l.start(clips, media.Tone{}, false)
	var keys chan digit
	if interrupt {
		keys = l.digits
	}
	for {
		select {
		case <-done:
			return nil
		case d := <-keys:
			l.eng.media.Do(media.Stop{Leg: l.id, ID: id})
			l.unread(d)
			return nil
		case <-l.updated:
			l.changed()
		case <-ctx.Done():
			l.eng.media.Do(media.Stop{Leg: l.id, ID: id})
			return context.Cause(ctx)
		}
	}
}

// changed tells the owner that the dialog's state is another.
func (l *Leg) changed() {
	if l.moved != nil {
		l.moved()
	}
}

// unread puts a digit back in front of those that came since.
func (l *Leg) unread(d digit) {
	rest := []digit{d}
	for {
		select {
		case n := <-l.digits:
			rest = append(rest, n)
			continue
		default:
		}
		break
	}
	for _, n := range rest {
		l.press(n)
	}
}

// flush forgets digits typed ahead.
func (l *Leg) flush() {
	for {
		select {
		case <-l.digits:
		default:
			return
		}
	}
}

// waitReady waits until audio can flow: at once for an early offer, after the
// ACK for a late one.
func (l *Leg) waitReady(ctx context.Context) error {
	select {
	case <-l.ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// ended tells how the leg's dialog ended; nil while it lives.
func (l *Leg) ended() *legEnded {
	if l.ctx.Err() == nil {
		return nil
	}
	if e, ok := context.Cause(l.ctx).(*legEnded); ok {
		return e
	}
	return &legEnded{text: "ended"}
}

// round keeps figures short: so many digits behind the point.
func round(v float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(v*p) / p
}

// record makes the CDR's view of the leg.
func (l *Leg) record(st media.LegStats, cause store.Cause, ended time.Time) store.Leg {
	out := store.Leg{ID: string(l.id), Role: l.role, Peer: l.peer, Number: l.phone, Began: l.began, Ended: ended,
		Cause: cause, In: st.PacketsIn, Out: st.PacketsOut, Lost: st.Lost, Jitter: store.Duration(st.Jitter),
		RemoteLost: st.RemoteLost, RTT: store.Duration(st.RTT.Round(time.Millisecond)), RFactor: round(st.RFactor, 1), MOS: round(st.MOS, 2), WorstMOS: round(st.WorstMOS, 2),
		Silent: store.Duration(l.quiet.longest.Load())}
	if ns := l.answered.Load(); ns != 0 {
		out.Answered = time.Unix(0, ns)
	}
	switch l.codec.Load() {
	case uint32(media.PCMU) + 1:
		out.Codec = "PCMU"
	case uint32(media.PCMA) + 1:
		out.Codec = "PCMA"
	}
	return out
}
