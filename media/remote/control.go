package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
)

// control is the connection of the control process. One goroutine reads, one
// writes; answers and events go through the writer.
type control struct {
	s    *Server
	conn net.Conn
	pid  int
	wake chan struct{} // there is something to write

	mu      sync.Mutex // guards answers
	answers [][]byte

	ending atomic.Bool // the engine has ended: write what waits, then close

	clip  media.ClipID // being read
	audio []byte
}

const (
	mostAnswers = 4096            // that may wait for a control process which does not read
	lastWords   = 5 * time.Second // for the last events of an engine that ends
	statsEvery  = time.Second
)

func (c *control) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// finish lets the writer write what waits and close the connection.
func (c *control) finish() {
	c.ending.Store(true)
	_ = c.conn.SetWriteDeadline(time.Now().Add(lastWords))
	c.nudge()
}

// serve reads and writes until the connection ends.
func (c *control) serve(ctx context.Context) {
	writer, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { // ends with the connection, by stop or by finish
		c.write(writer)
		_ = c.conn.Close()
	})
	err := c.read()
	stop()
	_ = c.conn.Close()
	wg.Wait()
	c.s.release(c)
	if ctx.Err() == nil {
		c.s.log.Warn("control process is gone; audio goes on", "pid", c.pid, "err", err)
	}
}

// read carries out what the control process says.
func (c *control) read() error {
	var buf [4 + maxFrame]byte
	for {
		k, body, err := readFrame(c.conn, &buf)
		if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err == nil {
			err = c.handle(k, body)
		}
		if err != nil {
			c.s.stats.Invalid.Add(1)
			return err
		}
	}
}

// handle carries out one frame. A command that can't be read is passed over; an
// error ends the connection.
func (c *control) handle(k kind, body []byte) error {
	s := c.s
	switch k {
	case kindCommand:
		cmd, err := commands.read(body)
		if err != nil {
			s.stats.Invalid.Add(1)
			s.log.Error("command can't be read", "err", err)
			return nil
		}
		s.mu.Lock()
		s.ledger.did(cmd, func(r *media.RecordingState) { r.Began = time.Now() })
		s.mu.Unlock()
		s.engine.Do(cmd)
	case kindOpen:
		var o open
		if err := json.Unmarshal(body, &o); err != nil {
			return err
		}
		return c.open(o)
	case kindClip:
		ch, err := readChunk(body)
		if err != nil {
			return err
		}
		return c.listen(ch)
	case kindEnd:
		s.log.Info("media process is told to end", "pid", c.pid)
		s.end(errTold)
	default:
		s.stats.Invalid.Add(1) // of a later version: nothing that we know
	}
	return nil
}

// open makes a leg and answers.
func (c *control) open(o open) error {
	s := c.s
	a := opened{N: o.N}
	local, err := s.engine.Open(o.Leg)
	switch {
	case err == nil:
		a.Addr = local.Addr
		s.mu.Lock()
		s.ledger.legs[o.Leg] = &media.LegState{ID: o.Leg, Local: local.Addr, Opened: time.Now()}
		s.mu.Unlock()
	case errors.Is(err, media.ErrNoPorts):
		a.NoPorts = true
	case errors.Is(err, media.ErrClosed):
		a.Closed = true
	default:
		a.Err = err.Error()
	}
	b, err := jsonFrame(kindOpened, a)
	if err != nil {
		return err
	}
	c.mu.Lock()
	full := len(c.answers) >= mostAnswers
	if !full {
		c.answers = append(c.answers, b)
	}
	c.mu.Unlock()
	if full {
		return errors.New("remote: control process does not read")
	}
	c.nudge()
	return nil
}

// listen takes a chunk of a clip. Chunks of one clip follow each other.
func (c *control) listen(ch chunk) error {
	if ch.offset == 0 {
		c.clip, c.audio = ch.id, make([]byte, 0, min(ch.total, 1<<20))
	}
	if ch.id != c.clip || int(ch.offset) != len(c.audio) {
		return fmt.Errorf("remote: clip %q: a chunk is out of order", ch.id)
	}
	c.audio = append(c.audio, ch.audio...)
	if len(c.audio) < int(ch.total) {
		return nil
	}
	c.s.engine.AddClip(c.clip, c.audio)
	c.s.mu.Lock()
	if c.s.ledger.clips[c.clip] = true; ch.total == 0 { // forgotten
		delete(c.s.ledger.clips, c.clip)
	}
	c.s.mu.Unlock()
	c.clip, c.audio = "", nil
	return nil
}

// write writes what waits; it returns when ctx ends, a write fails, or after
// the last event of an engine that ended.
func (c *control) write(ctx context.Context) {
	t := time.NewTicker(statsEvery)
	defer t.Stop()
	for ctx.Err() == nil {
		last := c.ending.Load() // read before the events: none comes later
		if c.flush() != nil || last {
			return
		}
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-t.C:
			if b, err := jsonFrame(kindStats, take(c.s.engine.Stats())); err == nil {
				if _, err := c.conn.Write(b); err != nil {
					return
				}
			}
		}
	}
}

// flush writes answers and events. What could not be written is kept.
func (c *control) flush() error {
	c.mu.Lock()
	answers := c.answers
	c.answers = nil
	c.mu.Unlock()
	for _, b := range answers {
		if _, err := c.conn.Write(b); err != nil {
			return err
		}
	}
	c.s.mu.Lock()
	evs := c.s.ledger.take()
	c.s.mu.Unlock()
	for i, ev := range evs {
		b, err := eventFrame(ev)
		if err != nil {
			c.s.log.Error("event can't be told", "err", err)
			continue
		}
		if _, err := c.conn.Write(b); err != nil {
			c.s.mu.Lock()
			c.s.ledger.back(evs[i:])
			c.s.mu.Unlock()
			return err
		}
	}
	return nil
}
