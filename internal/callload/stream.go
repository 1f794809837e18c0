package callload

import (
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// An audio packet: an RTP header, then 20 ms of PCMU which are really a mark, the
// run, the sender, the number of the packet and its time (ns since the run began).
const (
	headerBytes  = 12
	payloadBytes = 160
	packetBytes  = headerBytes + payloadBytes
	mark         = 0x684f744c694e6521
)

// maxPackets bounds what a stream remembers: an hour of audio.
const maxPackets = 50 * 3600

// stream is one end's audio: its socket, what it sent and what it heard.
type stream struct {
	id    uint32
	run   *run
	voice *voice
	addr  netip.AddrPort
	once  sync.Once // of close

	sound *[payloadBytes]byte // of a party of a conference, instead of marks; set before start
	ear   *ear                // and what it hears; mu guards what is in it

	far  atomic.Pointer[netip.AddrPort] // where to send; nil: not yet
	sent atomic.Uint32                  // packets; the next one's number

	mu    sync.Mutex // guards all below
	peer  uint32     // whom it hears: told by signalling, or the first one heard; 0: nobody yet
	seen  []uint64   // bit per number of the peer's packet
	twice uint64     // packets that came again
	cross uint64     // packets of somebody else
	other uint64     // packets that no stream of this run sent (music, tones)

	from, to uint32 // numbers sent within the measured window

	watch watch // since Load.Watch
}

// run is what all streams of a Load share.
type run struct {
	id    uint32
	began time.Time
	delay histogram // of packets sent within the window
	open  atomic.Int64
	shut  atomic.Int64 // the window, ns since began; 0: not set
	pacer pacer
	ears  ears
	wg    sync.WaitGroup
}

func (r *run) now() int64 { return int64(time.Since(r.began)) }

// newStream opens a socket; nothing is sent before start.
func (r *run) newStream(ip netip.Addr, id uint32) (*stream, error) {
	v, addr, err := newVoice(ip)
	if err != nil {
		return nil, err
	}
	s := &stream{id: id, run: r, voice: v, addr: addr}
	r.ears.add(s)
	return s, nil
}

// start begins or redirects what is sent.
func (s *stream) start(far netip.AddrPort) {
	if s.far.Swap(&far) == nil {
		s.run.pacer.add(s)
	}
}

func (s *stream) close() {
	s.once.Do(func() {
		s.run.pacer.remove(s)
		s.run.ears.remove(s)
		s.voice.close()
	})
}

// send sends the next packet; only the pacer calls it.
func (s *stream) send(b *[packetBytes]byte) {
	far := s.far.Load()
	n := s.sent.Load()
	b[0], b[1] = 0x80, 0
	if n == 0 {
		b[1] = 0x80 // marker: speech begins
	}
	binary.BigEndian.PutUint16(b[2:], uint16(n))
	binary.BigEndian.PutUint32(b[4:], n*payloadBytes)
	binary.BigEndian.PutUint32(b[8:], s.run.id^s.id)
	p := b[headerBytes:]
	if s.sound != nil {
		var own [packetBytes]byte
		copy(own[:], b[:headerBytes])
		copy(own[headerBytes:], s.sound[:])
		s.voice.send(own[:], *far)
		s.sent.Store(n + 1)
		return
	}
	binary.BigEndian.PutUint64(p, mark)
	binary.BigEndian.PutUint32(p[8:], s.run.id)
	binary.BigEndian.PutUint32(p[12:], s.id)
	binary.BigEndian.PutUint32(p[16:], n)
	binary.BigEndian.PutUint64(p[20:], uint64(s.run.now()))
	s.voice.send(b[:], *far)
	s.sent.Store(n + 1)
}

func (s *stream) take(b []byte, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open, shut := s.run.open.Load(), s.run.shut.Load()
	if s.ear != nil {
		if open > 0 && now >= open && (shut == 0 || now < shut) && len(b) > headerBytes {
			s.ear.take(b, now)
		}
		return
	}
	if len(b) != packetBytes || binary.BigEndian.Uint64(b[headerBytes:]) != mark {
		s.other++
		return
	}
	p := b[headerBytes:]
	sender, n := binary.BigEndian.Uint32(p[12:]), binary.BigEndian.Uint32(p[16:])
	if s.peer == 0 {
		s.peer = sender
	}
	if binary.BigEndian.Uint32(p[8:]) != s.run.id || sender != s.peer || n >= maxPackets {
		s.cross++
		return
	}
	for int(n/64) >= len(s.seen) {
		s.seen = append(s.seen, make([]uint64, 64)...)
	}
	if s.seen[n/64]&(1<<(n%64)) != 0 {
		s.twice++
		return
	}
	s.seen[n/64] |= 1 << (n % 64)
	at := int64(binary.BigEndian.Uint64(p[20:]))
	s.watch.take(n, now, now-at)
	if open > 0 && at >= open && (shut == 0 || at < shut) {
		s.run.delay.add(time.Duration(now - at))
	}
}

// expect says whom this stream has to hear.
func (s *stream) expect(peer uint32) {
	s.mu.Lock()
	s.peer = peer
	s.mu.Unlock()
}

// heard counts the packets of the peer within [from, to).
func (s *stream) heard(from, to uint32) (n uint64) {
	for i := from; i < to; i++ {
		if int(i/64) < len(s.seen) && s.seen[i/64]&(1<<(i%64)) != 0 {
			n++
		}
	}
	return n
}

// histogram counts delays in steps of 0.1 ms up to 2 s.
type histogram struct {
	n   [20001]atomic.Uint32
	max atomic.Int64
}

const histogramStep = 100 * time.Microsecond

func (h *histogram) add(d time.Duration) {
	h.n[min(max(int(d/histogramStep), 0), len(h.n)-1)].Add(1)
	for old := h.max.Load(); int64(d) > old && !h.max.CompareAndSwap(old, int64(d)); old = h.max.Load() {
	}
}

// quantile is the upper edge of the step that holds it.
func (h *histogram) quantile(q float64) time.Duration {
	var all uint64
	for i := range h.n {
		all += uint64(h.n[i].Load())
	}
	if all == 0 {
		return 0
	}
	rank, seen := uint64(q*float64(all-1))+1, uint64(0)
	for i := range h.n {
		if seen += uint64(h.n[i].Load()); seen >= rank {
			return time.Duration(i+1) * histogramStep
		}
	}
	return 0
}
