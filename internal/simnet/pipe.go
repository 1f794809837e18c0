package simnet

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// pipe is one direction of a stream: segments on their way from a writer to a
// reader, at most window bytes.
type pipe struct {
	arrival func() time.Time // when something sent now arrives
	segment int
	window  int

	gate          // guards the fields below
	segs          []segment
	size          int       // bytes in segs
	ended         time.Time // when the end (FIN) arrives; zero while the writer is open
	wclosed       bool      // the writer called Close or CloseWrite
	rclosed       bool      // the reader called Close: writing fails
	readDeadline  time.Time
	writeDeadline time.Time
}

type segment struct {
	due  time.Time
	data []byte
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := time.Now()
		var next time.Time
		switch {
		case p.rclosed:
			return 0, net.ErrClosed
		case passed(p.readDeadline, now):
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(p.segs) > 0 && !p.segs[0].due.After(now):
			return p.take(b, now), nil
		case len(p.segs) > 0:
			next = p.segs[0].due
		case passed(p.ended, now):
			return 0, io.EOF
		default:
			next = p.ended
		}
		p.wait(next, p.readDeadline)
	}
}

// take copies what has arrived: all of it, or one segment if they are kept
// apart. The caller holds mu.
func (p *pipe) take(b []byte, now time.Time) int {
	n := 0
	for len(p.segs) > 0 && n < len(b) && !p.segs[0].due.After(now) {
		s := &p.segs[0]
		k := copy(b[n:], s.data)
		n, s.data = n+k, s.data[k:]
		if len(s.data) == 0 {
			p.segs[0] = segment{}
			p.segs = p.segs[1:]
		}
		if p.segment > 0 {
			break
		}
	}
	p.size -= n
	p.notify()
	return n
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent := 0
	for {
		switch {
		case p.wclosed:
			return sent, net.ErrClosed
		case passed(p.writeDeadline, time.Now()):
			return sent, os.ErrDeadlineExceeded
		case p.rclosed:
			return sent, syscall.EPIPE
		case sent == len(b):
			return sent, nil
		}
		if room := p.window - p.size; room > 0 {
			k := min(room, len(b)-sent)
			if p.segment > 0 {
				k = min(k, p.segment)
			}
			p.segs = append(p.segs, segment{p.arrival(), append([]byte(nil), b[sent:sent+k]...)})
			p.size += k
			sent += k
			p.notify()
			continue
		}
		p.wait(p.writeDeadline)
	}
}

// endWrite sends the end of the stream after what was written.
func (p *pipe) endWrite() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.wclosed {
		p.wclosed = true
		p.ended = p.arrival()
		p.notify()
	}
}

// endRead throws away what was not read and makes the writer fail.
func (p *pipe) endRead() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rclosed, p.segs, p.size = true, nil, 0
	p.notify()
}

func (p *pipe) deadline(which *time.Time, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*which = t
	p.notify()
}
