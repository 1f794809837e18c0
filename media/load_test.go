package media

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestLoad runs MEDIA_CALLS two-way calls, recorded unless MEDIA_RECORD=no, for
// MEDIA_FOR (default 10s) on real sockets, against a generator in a process of
// its own, and prints loss, delay and CPU. MEDIA_PARTIES=3 mixes three parties
// in each call instead. It needs a machine to itself.
func TestLoad(t *testing.T) {
	calls, _ := strconv.Atoi(os.Getenv("MEDIA_CALLS"))
	if calls == 0 {
		t.Skip("set MEDIA_CALLS=100 to measure")
	}
	length, err := time.ParseDuration(os.Getenv("MEDIA_FOR"))
	if err != nil {
		length = 10 * time.Second
	}
	record := os.Getenv("MEDIA_RECORD") != "no"
	parties, _ := strconv.Atoi(os.Getenv("MEDIA_PARTIES"))
	parties = max(parties, 2)
	dir := t.TempDir()
	r := newRig(t, Config{PortMin: 10000, PortMax: 19998, Portable: os.Getenv("MEDIA_PORTABLE") != ""})
	defer r.stop()

	gen := exec.Command(os.Args[0], "-test.run", "^TestLoadGenerator$")
	gen.Env = append(os.Environ(), fmt.Sprintf("MEDIA_GENERATE=%d", parties*calls), "MEDIA_FOR="+length.String())
	gen.Stderr = os.Stderr
	in, _ := gen.StdinPipe()
	out, _ := gen.StdoutPipe()
	if err := gen.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	var ports []string
	for i, port := range strings.Fields(lines.Text()) {
		id := LegID(fmt.Sprint(i))
		local, err := r.e.Open(id)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, fmt.Sprint(local.Addr.Port()))
		r.e.Do(SetRemote{Leg: id, Addr: netip.MustParseAddrPort("127.0.0.1:" + port), EventType: 101, Send: true, Receive: true})
		r.e.Do(Seat{Bridge: BridgeID(fmt.Sprint(i / parties)), Leg: id, Role: Role(i % parties % 2)})
		if record && i%parties == 1 {
			r.e.Do(Record{ID: RecordingID(id), Path: filepath.Join(dir, string(id)+".wav"), Left: LegID(fmt.Sprint(i - 1)), Right: id})
		}
	}
	time.Sleep(200 * time.Millisecond) // all are seated
	before := cpu()
	began := time.Now()
	fmt.Fprintln(in, strings.Join(ports, " "))
	for lines.Scan() {
		t.Log(lines.Text())
	}
	used, took := cpu()-before, time.Since(began)
	if err := gen.Wait(); err != nil {
		t.Error(err)
	}
	r.stop()
	perCall := float64(used.Microseconds()) / 1000 / length.Seconds() / float64(calls)
	t.Logf("%d calls: %.3f CPU-ms per call-second, %.3f per party-second, %.1f %% of a core", calls,
		perCall, perCall/float64(parties), 100*used.Seconds()/took.Seconds())
	s := r.e.Stats()
	t.Logf("in %d out %d, queue drops %d, send errors %d, late ticks %d, record bytes %d drops %d", s.PacketsIn.Load(), s.PacketsOut.Load(),
		s.QueueDrops.Load(), s.SendErrors.Load(), s.LateTicks.Load(), s.RecordBytes.Load(), s.RecordDrops.Load())
	for _, rec := range told[Recorded](r) {
		if rec.Err != nil || rec.Dropped > 0 || rec.Duration < length {
			t.Errorf("got %+v", rec)
		}
	}
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestLoadGenerator is the other process of TestLoad: it sends numbered packets
// from each socket and checks that the partner's socket gets each of them.
func TestLoadGenerator(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("MEDIA_GENERATE"))
	if n == 0 {
		t.Skip("started by TestLoad")
	}
	length, _ := time.ParseDuration(os.Getenv("MEDIA_FOR"))
	socks := make([]*net.UDPConn, n)
	for i := range socks {
		var err error
		if socks[i], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		fmt.Print(socks[i].LocalAddr().(*net.UDPAddr).Port, " ")
	}
	fmt.Println()
	line, _ := bufio.NewReaderSize(os.Stdin, 1<<20).ReadString('\n')
	var to []netip.AddrPort
	for _, p := range strings.Fields(line) {
		to = append(to, netip.MustParseAddrPort("127.0.0.1:"+p))
	}
	var got, wrong atomic.Uint64
	var mu sync.Mutex // guards delays
	var delays []time.Duration
	began := time.Now()
	for i, s := range socks {
		go func() {
			b := make([]byte, 2048)
			var mine []time.Duration
			for {
				k, _, err := s.ReadFromUDPAddrPort(b)
				if err != nil {
					mu.Lock()
					delays = append(delays, mine...)
					mu.Unlock()
					return
				}
				if isRTCP(b[:k]) {
					continue
				}
				if os.Getenv("MEDIA_PARTIES") == "" && (k != 172 || int(binary.BigEndian.Uint32(b[12:])) != i^1) {
					wrong.Add(1)
					continue
				}
				got.Add(1)
				mine = append(mine, time.Since(began)-time.Duration(binary.BigEndian.Uint64(b[16:])))
			}
		}()
	}
	frames := int(length / frameTime)
	sent := 0
	pkt := make([]byte, 172)
	for f := range frames {
		for part := range 4 {
			due := began.Add(time.Duration(f)*frameTime + time.Duration(part)*5*time.Millisecond)
			time.Sleep(time.Until(due))
			for i := part; i < n; i += 4 {
				putRTP(pkt, header{seq: uint16(f), ts: uint32(160 * f), ssrc: uint32(i + 1)})
				binary.BigEndian.PutUint32(pkt[12:], uint32(i))
				binary.BigEndian.PutUint64(pkt[16:], uint64(time.Since(began)))
				if _, err := socks[i].WriteToUDPAddrPort(pkt, to[i]); err == nil {
					sent++
				}
			}
		}
	}
	time.Sleep(500 * time.Millisecond)
	for _, s := range socks {
		s.Close()
	}
	time.Sleep(200 * time.Millisecond)
	mu.Lock()
	slices.Sort(delays)
	d := func(p float64) time.Duration { return delays[int(p*float64(len(delays)-1))] }
	fmt.Printf("sent %d, got %d, lost %d, misrouted %d, delay p50 %v p99 %v max %v\n",
		sent, got.Load(), uint64(sent)-got.Load(), wrong.Load(), d(0.5), d(0.99), d(1))
	mu.Unlock()
	if os.Getenv("MEDIA_PARTIES") == "" && uint64(sent) != got.Load() || wrong.Load() != 0 {
		t.Errorf("lost %d, misrouted %d of %d", uint64(sent)-got.Load(), wrong.Load(), sent)
	}
}
