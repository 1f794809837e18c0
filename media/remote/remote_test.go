package remote

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/media"
)

func TestAControlProcessDrivesAnEngineInAnotherOne(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, ServerConfig{}, func(r *rig) {
		c := r.connect(ClientConfig{})
		ctx, quiet := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		c.AddClip("beep", make([]byte, 100000))
		a, b := c.bridged(ctx, &wg)
		path := filepath.Join(dir, "r.wav")
		c.Do(media.Record{ID: "r", Path: path, Left: "a", Right: "b"})
		time.Sleep(2 * time.Second)
		c.Do(media.Play{Leg: "a", ID: 1, Clips: []media.ClipID{"beep"}})
		c.Do(media.Stop{Leg: "a", ID: 1})
		c.Do(media.Finish{ID: "r"})
		time.Sleep(1500 * time.Millisecond)
		if n := c.Stats().Legs.Load(); n != 2 {
			t.Errorf("legs in the counters: got %d, want 2", n)
		}
		c.Do(media.Close{Leg: "a"})
		c.Do(media.Close{Leg: "b"})
		quiet()
		wg.Wait()
		time.Sleep(time.Second)
		for _, p := range []*peer{a, b} {
			if got, gap := p.figures(); got < 150 || gap > 45*time.Millisecond {
				t.Errorf("got %d packets, a gap of %s, want 150, 45ms", got, gap)
			}
		}
		if got := told[media.Played](c); len(got) != 1 || got[0].ID != 1 || !got[0].Cut {
			t.Errorf("plays: got %+v, want 1 cut", got)
		}
		if got := told[media.Closed](c); len(got) != 2 || got[0].Stats.PacketsIn < 150 {
			t.Errorf("ends: got %+v, want 2 with figures", got)
		}
		rec := told[media.Recorded](c)
		if len(rec) != 1 || rec[0].Err != nil || rec[0].Duration < 1900*time.Millisecond {
			t.Fatalf("recordings: got %+v, want one of 2s", rec)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		c.end()
		if n := r.server.Stats().Invalid.Load(); n != 0 {
			t.Errorf("frames that could not be read: got %d", n)
		}
	})
}

func TestAudioGoesOnWithoutAControlProcessAndTheNextOneIsTold(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, ServerConfig{}, func(r *rig) {
		c := r.connect(ClientConfig{})
		ctx, quiet := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		c.AddClip("beep", make([]byte, 800))
		a, b := c.bridged(ctx, &wg)
		path := filepath.Join(dir, "r.wav")
		c.Do(media.Record{ID: "r", Path: path, Left: "a", Right: "b"})
		c.open("lone")
		time.Sleep(time.Second)
		c.kill()
		time.Sleep(30 * time.Second)
		for _, p := range []*peer{a, b} {
			if got, gap := p.figures(); got < 30*50 || gap > 45*time.Millisecond {
				t.Errorf("got %d packets, a gap of %s, want 1500, 45ms", got, gap)
			}
		}

		next := r.connect(ClientConfig{})
		left := next.Left()
		if len(left.Legs) != 3 || len(left.Recordings) != 1 {
			t.Fatalf("left: got %+v, want 3 legs and a recording", left)
		}
		for _, l := range left.Legs {
			want := media.BridgeID("call")
			if l.ID == "lone" {
				want = ""
			}
			if l.Bridge != want || l.Local.Port() == 0 || l.Opened.IsZero() || (want != "") != l.Remote.IsValid() {
				t.Errorf("leg: got %+v", l)
			}
		}
		if got := left.Recordings[0]; got.ID != "r" || got.Path != path || got.Left != "a" || got.Right != "b" {
			t.Errorf("recording: got %+v", got)
		}
		next.Do(media.Finish{ID: "r"})
		for _, l := range left.Legs {
			next.Do(media.Close{Leg: l.ID})
		}
		time.Sleep(time.Second)
		rec := told[media.Recorded](next)
		if len(rec) != 1 || rec[0].Err != nil || rec[0].Duration < 31*time.Second {
			t.Errorf("recordings: got %+v, want one of 31s", rec)
		}
		if n := len(told[media.Closed](next)); n != 3 {
			t.Errorf("legs that ended: got %d, want 3", n)
		}
		if n := r.server.engine.Stats().Legs.Load(); n != 0 {
			t.Errorf("legs of the engine: got %d, want 0", n)
		}
		next.end()
		quiet()
		wg.Wait()
	})
}

func TestEndsThatNobodyHeardAreToldToTheNextControlProcess(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, ServerConfig{}, func(r *rig) {
		c := r.connect(ClientConfig{})
		c.open("a")
		c.Do(media.Record{ID: "r", Path: filepath.Join(dir, "r.wav"), Left: "a"})
		time.Sleep(time.Second)
		c.kill()
		r.server.engine.Do(media.Finish{ID: "r"})
		r.server.engine.Do(media.Close{Leg: "a"})
		time.Sleep(time.Second)
		next := r.connect(ClientConfig{})
		time.Sleep(time.Second)
		if left := next.Left(); len(left.Legs)+len(left.Recordings) != 0 {
			t.Errorf("left: got %+v, want nothing", left)
		}
		if len(told[media.Closed](next)) != 1 || len(told[media.Recorded](next)) != 1 {
			t.Errorf("got %+v, want both ends", next.events)
		}
		next.end()
	})
}

func TestWithoutAControlProcessForTooLongAllIsClosed(t *testing.T) {
	for _, stay := range []bool{false, true} {
		dir := t.TempDir()
		inBubble(t, ServerConfig{Alone: time.Minute, Stay: stay}, func(r *rig) {
			c := r.connect(ClientConfig{})
			c.open("a")
			c.Do(media.Record{ID: "r", Path: filepath.Join(dir, "r.wav"), Left: "a"})
			time.Sleep(time.Second)
			c.kill()
			time.Sleep(50 * time.Second)
			if n := r.server.engine.Stats().Legs.Load(); n != 1 {
				t.Errorf("legs after 50 s: got %d, want 1", n)
			}
			time.Sleep(20 * time.Second)
			if n := r.server.engine.Stats().Legs.Load(); n != 0 {
				t.Errorf("legs after 70 s: got %d, want 0", n)
			}
			if _, err := os.Stat(filepath.Join(dir, "r.wav")); err != nil {
				t.Error(err)
			}
			if ended := len(r.done) == 1; ended == stay {
				t.Errorf("stay %t: process has ended: %t", stay, ended)
			}
			if stay {
				next := r.connect(ClientConfig{})
				next.open("b")
				next.Do(media.Close{Leg: "b"})
				next.end()
			}
		})
	}
}

func TestASlowControlProcessLosesKeysButNoEnds(t *testing.T) {
	inBubble(t, ServerConfig{Room: 10}, func(r *rig) {
		conn, err := r.dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		l, err := greet(conn, hello{Protocol: Protocol})
		if err != nil {
			t.Fatal(err)
		}
		// It reads nothing from here on. What the network holds is soon full.
		const many = 5000
		for i := range many {
			r.server.heard(media.Digit{Leg: "a", Rune: '1'})
			r.server.heard(media.Played{Leg: "a", ID: media.PlayID(i)})
			if i%100 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		r.server.heard(media.Closed{Leg: "a"})
		if n := r.server.Stats().Dropped.Load(); n == 0 || n > many {
			t.Errorf("dropped: got %d, want some keys", n)
		}
		plays, ends := 0, 0
		var buf [4 + maxFrame]byte
		for ends == 0 {
			k, body, err := readFrame(l.conn, &buf)
			if err != nil {
				t.Fatal(err)
			}
			if k != kindEvent {
				continue
			}
			ev, err := events.read(body)
			if err != nil {
				t.Fatal(err)
			}
			switch ev := ev.(type) {
			case media.Played:
				if int(ev.ID) != plays {
					t.Fatalf("play: got %d, want %d", ev.ID, plays)
				}
				plays++
			case media.Closed:
				ends++
			}
		}
		if plays != many {
			t.Errorf("plays: got %d, want %d", plays, many)
		}
		_ = conn.Close()
	})
}

func TestAnotherVersionIsRefusedWithASentence(t *testing.T) {
	inBubble(t, ServerConfig{}, func(r *rig) {
		conn, err := r.dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		_, err = greet(conn, hello{Protocol: Protocol + 1, Version: "9.9"})
		var refusal *RefusedError
		if !errors.As(err, &refusal) || refusal.PID != os.Getpid() || refusal.Protocol != Protocol ||
			!strings.Contains(refusal.Text, "version 1 of the media protocol, the control process (hotline 9.9) speaks 2; try: ") {
			t.Errorf("got %v", err)
		}
		_ = conn.Close()
	})
}

func TestASecondControlProcessIsRefusedWhileTheFirstLives(t *testing.T) {
	inBubble(t, ServerConfig{}, func(r *rig) {
		c := r.connect(ClientConfig{})
		_, err := Connect(context.Background(), ClientConfig{Dial: r.dial})
		var refusal *RefusedError
		if !errors.As(err, &refusal) || !refusal.Busy {
			t.Errorf("got %v, want busy", err)
		}
		c.open("a")
		c.Do(media.Close{Leg: "a"})
		c.end()
		r.connect(ClientConfig{}).end()
	})
}

func TestGarbageIsRefusedAndASilentStrangerIsDropped(t *testing.T) {
	inBubble(t, ServerConfig{}, func(r *rig) {
		for _, b := range []string{"GET / HTTP/1.1\r\n\r\n", "\x00\x00\x00\x02\x01{", ""} {
			conn, err := r.dial(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write([]byte(b))
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("%q: got an answer", b)
			}
			_ = conn.Close()
		}
		r.connect(ClientConfig{}).end()
	})
}

func TestNoPortLeftIsToldAsSuch(t *testing.T) {
	inBubble(t, ServerConfig{Media: media.Config{PortMin: 20000, PortMax: 20003}}, func(r *rig) {
		c := r.connect(ClientConfig{})
		c.open("a")
		c.open("b")
		if _, err := c.Open("c"); !errors.Is(err, media.ErrNoPorts) {
			t.Errorf("got %v, want no ports", err)
		}
		c.Do(media.Close{Leg: "a"})
		time.Sleep(2 * time.Second)
		c.open("c")
		c.Do(media.Close{Leg: "b"})
		c.Do(media.Close{Leg: "c"})
		c.end()
	})
}

func TestADeadMediaProcessEndsItsLegsAndTheNextOneTakesNewOnes(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, ServerConfig{}, func(r *rig) {
		c := r.connect(ClientConfig{})
		c.AddClip("beep", make([]byte, 50000))
		c.open("a")
		path := filepath.Join(dir, "r.wav")
		c.Do(media.Record{ID: "r", Path: path, Left: "a"})
		time.Sleep(time.Second)
		// A process that dies says nothing more: its connection ends first.
		c.mu.Lock()
		dead := c.conn
		c.mu.Unlock()
		before := r.server
		_ = dead.Close()
		r.end()
		_ = before
		time.Sleep(100 * time.Millisecond)
		if got := told[media.Closed](c); len(got) != 1 || got[0].Leg != "a" {
			t.Errorf("ends: got %+v, want leg a", got)
		}
		if _, err := c.Open("x"); !errors.Is(err, media.ErrDown) {
			t.Errorf("without a media process: got %v, want down", err)
		}
		r.start(ServerConfig{})
		time.Sleep(3 * time.Second)
		c.open("b")
		c.Do(media.SetRemote{Leg: "b", Addr: c.open("c"), Send: true})
		c.Do(media.Play{Leg: "b", ID: 1, Clips: []media.ClipID{"beep"}})
		time.Sleep(100 * time.Millisecond)
		if n := r.server.engine.Stats().UnknownClips.Load(); n != 0 {
			t.Errorf("clips that the next process does not know: got %d", n)
		}
		if got := told[media.Recorded](c); len(got) != 1 || !errors.Is(got[0].Err, media.ErrDied) || got[0].Path != media.LivePath(path) {
			t.Errorf("recordings: got %+v, want the live file with an error", got)
		}
		c.Do(media.Close{Leg: "b"})
		c.Do(media.Close{Leg: "c"})
		c.end()
	})
}

func TestAnOwnMediaProcessEndsWithItsControlProcess(t *testing.T) {
	inBubble(t, ServerConfig{Linger: 10 * time.Second}, func(r *rig) {
		c := r.connect(ClientConfig{Own: true})
		c.open("a")
		began := time.Now()
		c.end()
		if d := time.Since(began); d > lastWait+time.Second {
			t.Errorf("the end took %s", d)
		}
		if len(told[media.Closed](c)) != 1 {
			t.Errorf("got %+v, want the leg's end", c.events)
		}
		synctest.Wait()
		if len(r.done) != 1 {
			t.Error("the media process lives on")
		}
	})
}

func TestAMediaProcessThatDiesAgainAndAgainIsTriedWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c, err := Connect(context.Background(), ClientConfig{Dial: func(context.Context) (net.Conn, error) {
			dials++
			ours, theirs := net.Pipe()
			go func() { // a process that greets and dies
				var buf [4 + maxFrame]byte
				_, _, _ = readFrame(theirs, &buf)
				h, _ := jsonFrame(kindHello, hello{Protocol: Protocol})
				ready, _ := frame(kindReady)
				_, _ = theirs.Write(append(h, ready...))
				_ = theirs.Close()
			}()
			return ours, nil
		}, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		c.Run(ctx)
		if dials < 10 || dials > 25 {
			t.Errorf("tries in a minute: got %d, want about 18", dials)
		}
	})
}

func TestAMediaProcessOfAnotherVersionCanBeEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	inBubble(t, ServerConfig{}, func(r *rig) {
		conn, err := r.dial(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		c := r.server.engine
		c.Do(media.Record{ID: "r", Path: path})
		if err := End(conn, "9.9", 1); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("the recording is not whole when the connection ends: %v", err)
		}
		_ = conn.Close()
		time.Sleep(time.Second)
		if len(r.done) != 1 {
			t.Error("the media process lives on")
		}
	})
}

func TestAMediaProcessThatDoesNotAnswerHoldsUpOneOpenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		go func() { // a process that greets and then only listens; ends with the pipe
			var buf [4 + maxFrame]byte
			_, _, _ = readFrame(theirs, &buf)
			h, _ := jsonFrame(kindHello, hello{Protocol: Protocol})
			ready, _ := frame(kindReady)
			_, _ = theirs.Write(append(h, ready...))
			for {
				if _, _, err := readFrame(theirs, &buf); err != nil {
					return
				}
			}
		}()
		c, err := Connect(context.Background(), ClientConfig{Dial: func(context.Context) (net.Conn, error) {
			if ours == nil {
				return nil, errors.New("no more")
			}
			conn := ours
			ours = nil
			return conn, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); c.Run(ctx) }()
		for i, want := range []time.Duration{2 * time.Second, 0, 0} {
			began := time.Now()
			_, err := c.Open("a")
			if d := time.Since(began); !errors.Is(err, media.ErrDown) || d != want {
				t.Errorf("open %d: got %v after %s, want down after %s", i, err, d, want)
			}
		}
		stop()
		<-done
		_ = theirs.Close()
	})
}
