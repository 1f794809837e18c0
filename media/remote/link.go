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

// link is one connection of a client, from its hello to its end.
type link struct {
	conn   net.Conn
	theirs hello
	state  media.State
	clips  map[media.ClipID]bool    // that the media process knows
	asked  map[uint64]chan<- opened // Opens under way; the client's mutex guards it
	done   chan struct{}            // closed when the connection has ended

	heard atomic.Bool // a frame came since the last look

	mu    sync.Mutex // guards queue and bytes
	queue [][]byte
	bytes int
	wake  chan struct{}
}

const (
	mostQueued = 256 << 20       // bytes for a media process that does not read; then it counts as dead
	writeWait  = 5 * time.Second // longest write of one batch
	watchEvery = 2 * time.Second // looks for frames; the server sends one each second
	watchMiss  = 5               // looks without one, then it counts as dead
	lastWait   = 3 * time.Second // for the last legs and recordings when a client ends
)

var errDeaf = errors.New("media process does not read")

// greet exchanges hellos and reads what the media process runs.
func greet(conn net.Conn, ours hello) (*link, error) {
	l := &link{conn: conn, clips: map[media.ClipID]bool{}, asked: map[uint64]chan<- opened{},
		done: make(chan struct{}), wake: make(chan struct{}, 1)}
	b, err := jsonFrame(kindHello, ours)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, fmt.Errorf("remote: hello: %w", err)
	}
	var buf [4 + maxFrame]byte
	for {
		k, body, err := readFrame(conn, &buf)
		if err != nil {
			return nil, fmt.Errorf("remote: hello: %w", err)
		}
		ready, err := l.learn(k, body)
		if err != nil || ready {
			return l, err
		}
	}
}

// learn reads one frame of the server's greeting.
func (l *link) learn(k kind, body []byte) (ready bool, err error) {
	switch k {
	case kindRefused:
		var r refused
		if err := json.Unmarshal(body, &r); err != nil {
			return false, err
		}
		return false, &RefusedError{Text: r.Text, Protocol: r.Protocol, PID: r.PID, Busy: r.Busy}
	case kindHello:
		if err = json.Unmarshal(body, &l.theirs); err == nil && l.theirs.Protocol != Protocol {
			err = &RefusedError{Text: wrongProtocol(l.theirs), Protocol: l.theirs.Protocol, PID: l.theirs.PID}
		}
	case kindLeg:
		var s media.LegState
		err = json.Unmarshal(body, &s)
		l.state.Legs = append(l.state.Legs, s)
	case kindRecording:
		var s media.RecordingState
		err = json.Unmarshal(body, &s)
		l.state.Recordings = append(l.state.Recordings, s)
	case kindClipKnown:
		l.clips[media.ClipID(body)] = true
	case kindReady:
		return true, nil
	}
	return false, err
}

// put queues a frame; it never blocks.
func (l *link) put(b []byte) {
	l.mu.Lock()
	deaf := l.bytes+len(b) > mostQueued
	if !deaf {
		l.queue = append(l.queue, b)
		l.bytes += len(b)
	}
	l.mu.Unlock()
	if deaf {
		_ = l.conn.SetDeadline(time.Now()) // it counts as dead: both goroutines end
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// write writes what is queued until ctx or the connection ends.
func (l *link) write(ctx context.Context) error {
	for {
		l.mu.Lock()
		batch := net.Buffers(l.queue)
		l.queue, l.bytes = nil, 0
		l.mu.Unlock()
		for len(batch) > 0 {
			part := batch[:min(len(batch), 64)]
			batch = batch[len(part):]
			_ = l.conn.SetWriteDeadline(time.Now().Add(writeWait))
			if _, err := part.WriteTo(l.conn); err != nil {
				return errors.Join(errDeaf, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
	}
}

// serve carries a connection until it ends, or until the last words after ctx.
func (c *Client) serve(ctx context.Context, l *link) error {
	writer, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var wrote error
	wg.Go(func() { // ends with the connection, by stop
		if wrote = l.write(writer); wrote != nil {
			_ = l.conn.Close()
		}
	})
	wg.Go(l.watch)                       // ends with the connection
	wg.Go(func() { c.farewell(ctx, l) }) // ends with the connection or soon after ctx
	err := c.read(l)
	close(l.done)
	stop()
	_ = l.conn.Close()
	wg.Wait()
	return errors.Join(wrote, err)
}

func (c *Client) read(l *link) error {
	var buf [4 + maxFrame]byte
	for {
		k, body, err := readFrame(l.conn, &buf)
		if errors.Is(err, io.EOF) {
			return errors.New("connection ended")
		}
		l.heard.Store(true)
		if err == nil {
			err = c.handle(l, k, body)
		}
		if err != nil {
			return err
		}
	}
}

// watch ends a connection on which nothing comes any more. It counts looks and
// not time: a control process that itself was stopped has not looked.
func (l *link) watch() {
	t := time.NewTicker(watchEvery)
	defer t.Stop()
	for missed := 0; missed < watchMiss; {
		select {
		case <-l.done:
			return
		case <-t.C:
		}
		if missed++; l.heard.Swap(false) {
			missed = 0
		}
	}
	_ = l.conn.SetDeadline(time.Now())
}

// farewell lets the last legs and recordings end once ctx has ended, then ends
// an own media process, or else the connection.
func (c *Client) farewell(ctx context.Context, l *link) {
	select {
	case <-l.done:
		return
	case <-ctx.Done():
	}
	c.await(l)
	if !c.cfg.Own {
		_ = l.conn.Close()
		return
	}
	if b, err := frame(kindEnd); err == nil {
		l.put(b)
	}
	t := time.NewTimer(2 * lastWords)
	defer t.Stop()
	select {
	case <-l.done:
	case <-t.C:
		_ = l.conn.Close()
	}
}

// await waits until no leg and no recording is left, for lastWait at most.
func (c *Client) await(l *link) {
	t := time.NewTimer(lastWait)
	defer t.Stop()
	for {
		c.mu.Lock()
		n, empty := len(c.legs)+len(c.recs), c.empty
		c.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-empty:
		case <-l.done:
			return
		case <-t.C:
			return
		}
	}
}

// endWait is the longest that a media process may take to finish its recordings.
const endWait = 10 * time.Second

// End tells a media process of any version to close everything and exit, and
// waits until its recordings are whole.
func End(conn net.Conn, version string, pid int) error {
	b, err := jsonFrame(kindHello, hello{Protocol: -1, Version: version, PID: pid, End: true})
	if err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(endWait))
	if _, err := conn.Write(b); err != nil {
		return fmt.Errorf("remote: end: %w", err)
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
