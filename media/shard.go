package media

import (
	"context"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

const (
	tickTime     = 5 * time.Millisecond   // grid of everything sent by the clock
	stallTime    = 150 * time.Millisecond // between two turns, at most houseTime apart: the machine was elsewhere
	mostCatchUps = 16                     // batches read after one
	houseTime    = 100 * time.Millisecond // silence, stale sources, recordings
	mostCatchUp  = 5                      // frames sent at once after a stall; older ones are skipped
)

// shard is the goroutine that owns legs, bridges, players and recordings.
type shard struct {
	e     *Engine
	io    packetIO
	stats *Stats
	log   *slog.Logger
	clock clock
	disk  *disk

	mu    sync.Mutex // guards queue and ended
	queue []Command
	ended bool

	spare   []Command // the queue's other half
	now     time.Duration
	tickAt  time.Duration // next tick
	houseAt time.Duration
	phases  int

	legs    map[LegID]*leg
	bridges map[BridgeID]*bridge
	recs    map[RecordingID]*recording
	clocked []*leg // those that play or press keys
	mixing  []*bridge
	awaited map[LegID][]Command // commands for legs on their way here
	active  *leg                // whose packet is being handled; for rescue
	passed  passed              // packets not yet in stats

	out   [maxPacket]byte                // packet being made
	seal  [maxPacket + srtpOverhead]byte // the same, secured
	plain [maxPacket + srtpOverhead]byte // packet that came, in the clear
	pcm   [frameMost]int16               // sound being made
	sums  [numRoles][frameSize]int32     // of the voices of a bridge
	heard [frameSize]int32               // of several roles
	frame [frameMost]byte                // the same, coded
	hand  deliver                        // s.arrive, bound once
}

// frameMost is the longest packet that we make ourselves, 60 ms in samples.
const frameMost = 480

// opened tells the shard of a leg made by Open.
type opened struct{ leg *leg }

// saved tells the shard that a recording's file is whole, or lost.
type saved struct{ Recorded }

func (opened) command() {}
func (saved) command()  {}

func newShard(e *Engine, io packetIO, c clock) *shard {
	s := &shard{
		e: e, io: io, stats: &e.stats, log: e.cfg.Log, clock: c,
		legs:    make(map[LegID]*leg),
		bridges: make(map[BridgeID]*bridge),
		recs:    make(map[RecordingID]*recording),
		awaited: make(map[LegID][]Command),
	}
	s.disk = newDisk(&e.stats, func(r Recorded) { s.post(saved{r}) })
	s.hand = s.arrive
	return s
}

// post queues a command; false once the shard has ended.
func (s *shard) post(c Command) bool {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return false
	}
	s.queue = append(s.queue, c)
	first := len(s.queue) == 1
	s.mu.Unlock()
	if first {
		s.io.wake()
	}
	return true
}

func (s *shard) run(ctx context.Context) {
	unhook := context.AfterFunc(ctx, s.io.wake)
	defer unhook()
	s.disk.start()
	for ctx.Err() == nil {
		s.turn()
	}
	s.end()
}

// turn does what is due and then waits for packets.
func (s *shard) turn() {
	was := s.now
	if s.now = s.clock.now(); s.now-was > stallTime && len(s.legs) > 0 {
		s.catchUp()
	}
	s.commands()
	if s.now >= s.tickAt {
		s.tick()
	}
	if s.now >= s.houseAt {
		s.house()
	}
	deadline := s.houseAt
	if len(s.clocked)+len(s.mixing) > 0 {
		deadline = min(deadline, s.tickAt)
	}
	s.io.poll(deadline, s.hand)
	s.passed.into(s.stats)
}

// passed counts the packets of a turn: other threads read stats, and an atomic
// addition waits until all that was written before it is out of this one.
type passed struct{ in, out uint64 }

func (p *passed) into(s *Stats) {
	if p.in+p.out > 0 {
		s.PacketsIn.Add(p.in)
		s.PacketsOut.Add(p.out)
		*p = passed{}
	}
}

func (s *shard) commands() {
	s.mu.Lock()
	batch := s.queue
	s.queue = s.spare[:0]
	s.mu.Unlock()
	for _, c := range batch {
		s.do(c)
	}
	clear(batch)
	s.spare = batch
}

// catchUp hears what came while the shard stood still before anything is judged by
// the clock: a recording would take it for late, a leg for silent.
func (s *shard) catchUp() {
	s.stats.LateTicks.Add(1)
	for range mostCatchUps {
		before := s.passed
		if s.io.poll(s.now, s.hand); s.passed == before {
			return
		}
	}
}

// tick sends what the clock demands.
func (s *shard) tick() {
	busy := len(s.clocked)+len(s.mixing) > 0
	if busy && s.tickAt > 0 && s.now-s.tickAt > 20*time.Millisecond {
		s.stats.LateTicks.Add(1)
	}
	s.tickAt = s.now - s.now%tickTime + tickTime
	for i := len(s.clocked) - 1; i >= 0; i-- {
		l := s.clocked[i]
		s.frames(l)
		if l.closed {
			continue // it panicked and took itself out of the list
		}
		if !l.busy() {
			l.clocked = false
			s.clocked = slices.Delete(s.clocked, i, i+1)
		}
	}
	for i := len(s.mixing) - 1; i >= 0; i-- {
		s.mix(s.mixing[i])
	}
	s.active = nil
}

// frames sends the packets of our own making that are due on a leg.
func (s *shard) frames(l *leg) {
	defer s.rescue()
	s.active = l
	for n := 0; s.now >= l.next; n++ {
		if n == mostCatchUp {
			l.next = align(s.now, l.phase, frameTime)
			return
		}
		size := int(samples(l.frame.Microseconds()))
		switch {
		case !l.busy():
			return
		case l.tx.crowded(l.making(), size, s.now):
		case l.pressing.busy():
			s.pressFrame(l, size)
		default:
			s.playFrame(l, size)
		}
		l.next += l.frame
	}
}

// runClock makes sure that the leg's own packets are sent.
func (s *shard) runClock(l *leg) {
	if l.clocked {
		return
	}
	l.clocked = true
	l.next = align(s.now, l.phase, frameTime)
	s.clocked = append(s.clocked, l)
	s.tickAt = min(s.tickAt, l.next)
}

// align finds the first instant not before now with the phase in the period.
func align(now, phase, period time.Duration) time.Duration {
	d := (now - phase) % period
	if d < 0 {
		d += period
	}
	if d == 0 {
		return now
	}
	return now + period - d
}

// newPhase spreads the 20 ms clocks over the ticks.
func (s *shard) newPhase() time.Duration {
	s.phases++
	return time.Duration(s.phases%4) * tickTime
}

// house looks at everything that only needs a look now and then.
func (s *shard) house() {
	s.houseAt = s.now - s.now%houseTime + houseTime
	s.io.slow(s.hand)
	for _, l := range s.legs {
		s.watch(l)
	}
	for _, r := range s.recs {
		s.flush(r)
		s.hushed(r)
	}
}

// watch tells of silence and frees a source that went away.
func (s *shard) watch(l *leg) {
	if !l.known {
		return
	}
	s.report(l)
	l.quality.judge(l, s.now)
	if l.bound && s.now-l.lastIn >= relatchAfter {
		l.bound = false
		l.sock.connect(netip.AddrPort{})
	}
	if l.set.Receive && s.now >= l.silentAt {
		l.heard = false
		s.emit(Silent{Leg: l.id, For: (s.now - l.lastIn).Truncate(time.Millisecond)})
		l.silentAt += s.e.cfg.SilenceAfter
	}
}

func (s *shard) emit(ev Event) { s.e.emit(ev) }

// rescue ends the one leg whose packet or command made us panic.
func (s *shard) rescue() {
	p := recover()
	if p == nil {
		return
	}
	s.stats.Panics.Add(1)
	id := LegID("")
	if s.active != nil {
		id = s.active.id
	}
	s.log.Error("media: panic", "leg", string(id), "err", p, "stack", string(debug.Stack()))
	if l := s.active; l != nil {
		s.active = nil
		l.control.told = false // no last words: they might be what broke
		s.closeLeg(l)
	}
}

// rescueBridge empties the one bridge whose mix made us panic.
func (s *shard) rescueBridge(b *bridge) {
	p := recover()
	if p == nil {
		return
	}
	s.stats.Panics.Add(1)
	s.log.Error("media: panic in a mix", "call", string(b.id), "err", p, "stack", string(debug.Stack()))
	for _, l := range slices.Clone(b.seats) {
		s.leave(l)
	}
}

// end closes everything and tells the last events.
func (s *shard) end() {
	s.now = s.clock.now()
	s.commands()
	for _, r := range s.recs {
		s.finish(r)
	}
	for _, l := range s.legs {
		s.closeLeg(l)
	}
	s.disk.stop()
	s.mu.Lock()
	s.ended = true
	rest := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, c := range rest {
		switch c := c.(type) {
		case saved:
			s.do(c)
		case opened:
			s.do(c)
			s.closeLeg(c.leg)
		case arrived:
			s.do(c)
			if c.leg != nil {
				s.closeLeg(c.leg)
			}
		case depart:
			s.do(c)
		}
	}
	s.io.stop()
}
