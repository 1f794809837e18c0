package media

import (
	"bytes"
	"encoding/binary"
	"math"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"hotline/internal/simnet"
)

// reporter is the RTCP side of a peer, on the port above its RTP port.
type reporter struct {
	p    *peer
	conn net.PacketConn
	mu   sync.Mutex // guards got and at
	got  [][]rtcp.Packet
	at   []time.Time
}

func (p *peer) reporter() *reporter {
	p.r.t.Helper()
	conn, err := p.r.net.ListenPacket(netip.AddrPortFrom(p.addr.Addr(), p.addr.Port()+1).String())
	if err != nil {
		p.r.t.Fatal(err)
	}
	p.r.t.Cleanup(func() { conn.Close() })
	c := &reporter{p: p, conn: conn}
	go c.read()
	return c
}

func (c *reporter) read() {
	b := make([]byte, 2048)
	for {
		n, _, err := c.conn.ReadFrom(b)
		if err != nil {
			return
		}
		packets, err := rtcp.Unmarshal(bytes.Clone(b[:n]))
		if err != nil {
			c.p.r.t.Errorf("got RTCP that pion cannot read: %v", err)
		}
		c.mu.Lock()
		c.got, c.at = append(c.got, packets), append(c.at, time.Now())
		c.mu.Unlock()
	}
}

func (c *reporter) all() ([][]rtcp.Packet, []time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([][]rtcp.Packet(nil), c.got...), append([]time.Time(nil), c.at...)
}

func (c *reporter) send(packets ...rtcp.Packet) {
	b, err := rtcp.Marshal(packets)
	if err != nil {
		c.p.r.t.Fatal(err)
	}
	to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(c.p.to.Addr(), c.p.to.Port()+1))
	if _, err := c.conn.WriteTo(b, to); err != nil {
		c.p.r.t.Error(err)
	}
}

func TestReportsGoOutEachFiveSecondsAndSayWhatCame(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		c := a.reporter()
		seatTwo(r, "a", "b")
		began := time.Now()
		r.wg.Go(func() { b.talk(31*time.Second, constant(1000)) })
		for i := range 31 * 50 { // each tenth packet is lost
			if i%10 == 9 {
				a.seq++
				a.ts += 160
			} else {
				a.send(make([]byte, 160))
			}
			time.Sleep(frameTime)
		}
		got, at := c.all()
		if len(got) < 5 || len(got) > 10 {
			t.Fatalf("got %d reports in 31 s, want about 6", len(got))
		}
		if first := at[0].Sub(began); first > 4*time.Second {
			t.Errorf("got the first report after %v, want it early", first)
		}
		for i, packets := range got {
			if i > 0 && (at[i].Sub(at[i-1]) < 2400*time.Millisecond || at[i].Sub(at[i-1]) > 7700*time.Millisecond) {
				t.Errorf("got report %d %v after the one before", i, at[i].Sub(at[i-1]))
			}
			sr, ok := packets[0].(*rtcp.SenderReport)
			if !ok || len(packets) != 2 || len(sr.Reports) != 1 {
				t.Fatalf("report %d: got %v, want SR with one block, and SDES", i, packets)
			}
			sdes, ok := packets[1].(*rtcp.SourceDescription)
			if !ok || len(sdes.Chunks) != 1 || sdes.Chunks[0].Source != sr.SSRC || len(sdes.Chunks[0].Items) != 1 ||
				sdes.Chunks[0].Items[0].Type != rtcp.SDESCNAME || len(sdes.Chunks[0].Items[0].Text) != 16 {
				t.Errorf("report %d: got %v, want a CNAME of 16 characters", i, packets[1])
			}
			out := a.packets()
			if sr.SSRC != out[0].ssrc || sr.OctetCount != 160*sr.PacketCount {
				t.Errorf("report %d: got SSRC %x, %d packets, %d octets", i, sr.SSRC, sr.PacketCount, sr.OctetCount)
			}
			if off := int32(sr.RTPTime - out[0].ts - samples(at[i].Sub(out[0].at).Microseconds())); off < -400 || off > 400 {
				t.Errorf("report %d: RTP time is %d samples off", i, off)
			}
			if now := time.Unix(int64(sr.NTPTime>>32)-ntpEpoch, 0); at[i].Sub(now) < 0 || at[i].Sub(now) > time.Second {
				t.Errorf("report %d: got NTP time %v at %v", i, now, at[i])
			}
			block := sr.Reports[0]
			if block.SSRC != a.ssrc || block.FractionLost < 20 || block.FractionLost > 30 {
				t.Errorf("report %d: got %+v, want a loss of 25/256", i, block)
			}
		}
		last := got[len(got)-1][0].(*rtcp.SenderReport).Reports[0]
		if last.TotalLost < 105 || last.TotalLost > 155 || last.LastSequenceNumber < 1<<16 {
			t.Errorf("got %d lost, extended sequence %x; want 105 to 155, and a turn counted", last.TotalLost, last.LastSequenceNumber)
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		if got, _ := c.all(); len(got[len(got)-1]) != 3 {
			t.Errorf("got %v at the end, want a BYE in it", got[len(got)-1])
		}
	})
}

func TestTheRoundTripLossAndJitterAreReadFromReports(t *testing.T) {
	simulatedOn(t, simnet.Options{Latency: 40 * time.Millisecond}, Config{}, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		c := a.reporter()
		seatTwo(r, "a", "b")
		r.wg.Go(func() { b.talk(20*time.Second, constant(1000)) })
		r.wg.Go(func() { a.talk(20*time.Second, constant(1000)) })
		answered := 0
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			got, at := c.all()
			if len(got) == answered {
				continue
			}
			answered = len(got)
			sr := got[answered-1][0].(*rtcp.SenderReport)
			c.send(&rtcp.ReceiverReport{SSRC: a.ssrc, Reports: []rtcp.ReceptionReport{
				{SSRC: 0xBAD, TotalLost: 9999},
				{SSRC: sr.SSRC, TotalLost: uint32(5 * answered), FractionLost: 13, Jitter: 80,
					LastSenderReport: uint32(sr.NTPTime >> 16), Delay: uint32(time.Since(at[answered-1]) * 65536 / time.Second)},
			}}, &rtcp.Goodbye{Sources: []uint32{a.ssrc}})
		}
		time.Sleep(time.Second)
		r.e.Do(Close{Leg: "a"})
		time.Sleep(100 * time.Millisecond)
		st := told[Closed](r)[0].Stats
		if answered < 2 || st.RemoteLost != uint64(5*answered) || st.RemoteJitter != 10*time.Millisecond {
			t.Errorf("got %d lost, jitter %v after %d reports, want 5 for each and 10 ms", st.RemoteLost, st.RemoteJitter, answered)
		}
		if st.RTT < 79*time.Millisecond || st.RTT > 82*time.Millisecond {
			t.Errorf("got a round trip of %v, want 80 ms", st.RTT)
		}
		if st.RFactor < 70 || st.RFactor > 92 || st.MOS < 3.7 || st.WorstMOS > st.MOS || st.WorstMOS < 3 {
			t.Errorf("got R %.1f, MOS %.2f, worst %.2f", st.RFactor, st.MOS, st.WorstMOS)
		}
		if n := r.e.Stats().RTCPByes.Load(); n != uint64(answered) {
			t.Errorf("got %d goodbyes, want %d", n, answered)
		}
		if n := r.e.Stats().RTCPBad.Load(); n != 0 {
			t.Errorf("got %d bad reports, want none", n)
		}
	})
}

func TestReportsOfThirdAddressesAreIgnored(t *testing.T) {
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		r.wg.Go(func() { b.talk(10*time.Second, constant(1000)) })
		a.talk(time.Second, constant(1000))
		x := r.host()
		x.to = a.to
		c := x.reporter()
		ssrc := a.packets()[0].ssrc
		c.send(&rtcp.ReceiverReport{SSRC: a.ssrc, Reports: []rtcp.ReceptionReport{{SSRC: ssrc, TotalLost: 77}}})
		x.raw([]byte{0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1})
		time.Sleep(10 * time.Second)
		if got, _ := c.all(); len(got) != 0 || len(x.reports) != 0 {
			t.Errorf("a stranger got %d reports", len(got)+len(x.reports))
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		if st := told[Closed](r)[0].Stats; st.RemoteLost != 0 {
			t.Errorf("got %d lost of what a stranger says, want 0", st.RemoteLost)
		}
		if got := r.e.Stats().RTCPStrangers.Load(); got != 1 {
			t.Errorf("got %d reports of strangers counted, want 1", got)
		}
	})
}

func TestReportsShareThePortWhenThatWasAgreed(t *testing.T) {
	everywhere(t, func(r *rig) {
		a, b := r.leg("a", func(s *SetRemote) { s.Mux = true }), r.leg("b")
		seatTwo(r, "a", "b")
		r.wg.Go(func() { b.talk(4500*time.Millisecond, constant(1000)) })
		r.wg.Go(func() { a.talk(4500*time.Millisecond, constant(1000)) })
		rr, _ := (&rtcp.ReceiverReport{SSRC: 1}).Marshal()
		time.Sleep(2 * time.Second)
		a.raw(rr)
		r.wg.Wait()
		a.mu.Lock()
		n := len(a.reports)
		a.mu.Unlock()
		if n != 1 && n != 2 {
			r.t.Errorf("got %d reports at the RTP port, want 1 or 2", n)
		}
		if got := r.e.Stats().RTCP.Load(); got != 1 {
			r.t.Errorf("got %d of the peer's reports counted, want 1", got)
		}
	})
}

// On real sockets the port above the leg's really listens and answers.
func TestTheControlPortIsTheOddOneAbove(t *testing.T) {
	for _, portable := range []bool{false, true} {
		r := newRig(t, Config{PortMin: 20000, PortMax: 29998, Portable: portable})
		a := r.leg("a")
		a.send(make([]byte, 160))
		rr, _ := (&rtcp.ReceiverReport{SSRC: a.ssrc}).Marshal()
		for try := 0; r.e.Stats().RTCP.Load() == 0; try++ {
			if try == 100 {
				t.Fatalf("portable %v: no report was taken", portable)
			}
			to := net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.to.Addr(), a.to.Port()+1))
			if _, err := a.conn.WriteTo(rr, to); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
		}
		r.stop()
	}
}

func TestTheEModelGivesTheFiguresOfG107(t *testing.T) {
	for _, c := range []struct {
		loss   float64
		delay  time.Duration
		r, mos float64
	}{
		{0, 0, 93.2, 4.41},
		{0, 150 * time.Millisecond, 89.6, 4.33},
		{0, 400 * time.Millisecond, 59.1, 3.05},
		{0.01, 0, 89.6, 4.33},
		{0.05, 100 * time.Millisecond, 75.0, 3.82},
		{1, time.Second, 0, 1},
	} {
		r := rFactor(c.loss, c.delay)
		if math.Abs(r-c.r) > 0.2 || math.Abs(mosOf(r)-c.mos) > 0.02 {
			t.Errorf("loss %v, delay %v: got R %.1f, MOS %.2f, want %.1f, %.2f", c.loss, c.delay, r, mosOf(r), c.r, c.mos)
		}
	}
}

func TestTheWorstTenSecondsAreFound(t *testing.T) {
	simulated(t, func(r *rig) {
		a := r.leg("a")
		for i := range 3000 {
			if i >= 1000 && i < 1500 && i%5 == 0 {
				a.seq++
				a.ts += 160
			} else {
				a.send(make([]byte, 160))
			}
			time.Sleep(frameTime)
		}
		r.e.Do(Close{Leg: "a"})
		time.Sleep(time.Millisecond)
		st := told[Closed](r)[0].Stats
		if st.MOS < 4 || st.WorstMOS > 3.0 || st.WorstMOS < 1.5 {
			t.Errorf("got MOS %.2f, worst %.2f; want good and bad", st.MOS, st.WorstMOS)
		}
	})
}

func FuzzControl(f *testing.F) {
	for _, b := range torture(f, "webrtc-rtcp", "pion-rtcp") {
		f.Add(b)
	}
	sr, _ := rtcp.Marshal([]rtcp.Packet{
		&rtcp.SenderReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 2}}},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 1}}},
		&rtcp.Goodbye{Sources: []uint32{1}, Reason: "x"},
	})
	f.Add(sr)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, l, _ := quiet()
		s.receive(l, speech(), source(0), 0)
		if isRTCP(b) {
			binary.BigEndian.PutUint32(b[4:], 7) // the peer's own SSRC
		}
		s.arrive(l, b, source(0), time.Second, true)
		s.arrive(l, b, source(0), time.Second, false)
		if s.stats.Panics.Load() != 0 {
			t.Error("it panicked")
		}
		out := s.writeControl(l, nil, 2*time.Second, true)
		if _, err := rtcp.Unmarshal(out); err != nil {
			t.Errorf("pion cannot read ours: %v", err)
		}
	})
}

// A network that loses packets both ways: the estimate falls with the loss as the
// E-model says, with the loss that the leg counts and with what its peer reports.
func TestTheEstimateFollowsTheLossOfTheNetwork(t *testing.T) {
	last := 5.0
	for _, loss := range []float64{0, 0.02, 0.05, 0.1, 0.2} {
		simulatedOn(t, simnet.Options{Latency: 30 * time.Millisecond, Loss: loss, Seed: 7}, Config{}, func(r *rig) {
			a, b := r.leg("a"), r.leg("b")
			seatTwo(r, "a", "b")
			r.wg.Go(func() { b.talk(time.Minute, constant(1000)) })
			a.talk(time.Minute, constant(1000))
			r.wg.Wait()
			r.e.Do(Close{Leg: "a"})
			time.Sleep(200 * time.Millisecond)
			st := told[Closed](r)[0].Stats
			share := float64(st.Lost) / float64(st.PacketsIn+st.Lost)
			if math.Abs(share-loss) > 0.01+loss/4 {
				t.Errorf("loss %v: got %.3f counted", loss, share)
			}
			// G.107 with G.113's figures for G.711 with concealment (Bpl 25.1), and 40
			// ms for a packet and the buffer; the way itself is not known without reports.
			p := 100 * share
			want := 93.2 - 0.024*40 - 95*p/(p+25.1)
			if math.Abs(st.RFactor-want) > 0.5 || math.Abs(st.MOS-mosOf(want)) > 0.03 {
				t.Errorf("loss %v: got R %.1f, MOS %.2f, want %.1f, %.2f", loss, st.RFactor, st.MOS, want, mosOf(want))
			}
			if st.MOS >= last || st.WorstMOS > st.MOS || st.WorstMOS < st.MOS-0.5 {
				t.Errorf("loss %v: got MOS %.2f, worst %.2f, want less than %.2f", loss, st.MOS, st.WorstMOS, last)
			}
			t.Logf("loss %4.1f %%: R %.1f, MOS %.2f, of the worst ten seconds %.2f", 100*loss, st.RFactor, st.MOS, st.WorstMOS)
			last = st.MOS
		})
	}
}
