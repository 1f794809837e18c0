package bolt

import (
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// Limits of what waits for the writer. Above the soft ones a Log call waits, at
// most store.LogDelay, for the writer to catch up; above the hard ones, reached
// only while the disk fails or hangs, the oldest ACD events are dropped. What the
// writer has taken for a transaction comes on top.
const (
	softOps   = 1 << 15
	softBytes = 32 << 20
	hardOps   = 4 * softOps
	hardBytes = 4 * softBytes
)

// Most that one transaction takes, since bbolt keeps its pages in memory.
const (
	txOps   = 1 << 13
	txBytes = 16 << 20
)

// retry is the pause between tries while the disk fails and no Put waits.
const retry = time.Second

// op is one write.
type op struct {
	key   string                // of a Log write that replaces a waiting one; or empty
	size  int                   // bytes, about
	ends  string                // of a CDR: key of the Log write that is not needed beside it
	calm  bool                  // a Put that may wait for company
	acd   int                   // events, if it may be dropped
	apply func(*bbolt.Tx) error // nil: nothing to write, only wait (Sync)
	done  chan error            // of a Put: told when it is on disk; nil: a Log write
	last  bool                  // Close: no op is taken after this one
	void  bool                  // replaced by a later one with its key
}

// queue holds ops in the order in which they came.
type queue struct {
	kick   chan struct{} // capacity 1: the writer must look when to write
	soft   int           // ops; softOps, but for tests
	hard   int           // ops; hardOps, but for tests
	gather time.Duration // between commits, if only calm Puts wait

	mu      sync.Mutex // guards all below; nothing foreign is called under it
	ops     []*op
	byKey   map[string]*op // the waiting op of each key
	puts    int            // ops with done
	calm    int            // of them: may wait for company
	voids   int
	bytes   int
	first   time.Time     // when the oldest Log op came
	taken   time.Time     // when the writer last took ops
	space   chan struct{} // closed and replaced whenever ops were written
	failed  time.Time     // last failure, zero if the last commit was good
	closed  bool
	shed    bool  // ACD events were dropped since the last good commit
	firstly error // first error of a Log write since the last Sync
}

func (q *queue) init(gather time.Duration) {
	q.gather = gather
	q.kick = make(chan struct{}, 1)
	q.soft, q.hard = softOps, hardOps
	q.space = make(chan struct{})
	q.byKey = make(map[string]*op)
}

// pushed says what came of a push.
type pushed struct {
	early   bool            // the writer may have to write earlier than it knows
	full    <-chan struct{} // not nil: the queue is long; closed when it is shorter
	dropped int             // ACD events dropped to keep the queue bounded
	begins  bool            // the first of them since the last good commit
}

// push appends o.
func (q *queue) push(o *op) (p pushed, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return p, store.ErrClosed
	}
	q.closed = o.last
	if o.done == nil && len(q.ops)-q.voids == q.puts {
		q.first = time.Now()
		p.early = true
	}
	p.early = p.early || o.done != nil && (!o.calm || q.calm == 0)
	if o.key != "" {
		if old := q.byKey[o.key]; old != nil {
			q.drop(old)
		}
		q.byKey[o.key] = o
	}
	q.ops = append(q.ops, o)
	q.bytes += o.size
	if o.done != nil {
		q.puts++
		if o.calm {
			q.calm++
		}
	}
	if q.over(q.hard, hardBytes) {
		p.dropped = q.dropOldest()
		p.begins = p.dropped > 0 && !q.shed
		q.shed = q.shed || p.begins
	}
	if q.voids > 64 && q.voids > len(q.ops)/2 {
		q.compact()
	}
	if q.over(q.soft, softBytes) && q.failed.IsZero() {
		p.full = q.space
		p.early = true
	}
	return p, nil
}

func (q *queue) over(ops, bytes int) bool {
	return len(q.ops)-q.voids > ops || q.bytes > bytes
}

// drop makes a waiting op void.
func (q *queue) drop(o *op) {
	o.void, o.apply = true, nil
	q.voids++
	q.bytes -= o.size
}

// dropOldest drops the older half of the ACD events and counts them.
func (q *queue) dropOldest() (events int) {
	ops := 0
	for _, o := range q.ops {
		if o.acd > 0 && !o.void {
			ops++
		}
	}
	ops = (ops + 1) / 2
	for _, o := range q.ops {
		if ops == 0 {
			break
		}
		if o.acd > 0 && !o.void {
			events += o.acd
			q.drop(o)
			ops--
		}
	}
	q.compact()
	return events
}

func (q *queue) compact() {
	kept := q.ops[:0]
	for _, o := range q.ops {
		if !o.void {
			kept = append(kept, o)
		}
	}
	clear(q.ops[len(kept):])
	q.ops, q.voids = kept, 0
}

// due tells how long the writer may wait: zero: not at all, negative: until it
// is kicked.
func (q *queue) due(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	calm := max(q.taken.Add(q.gather).Sub(now), 0) // only if there are calm Puts
	switch {
	case q.puts > q.calm:
		return 0
	case len(q.ops) == q.voids:
		return -1
	case !q.failed.IsZero() && q.calm > 0:
		return calm
	case !q.failed.IsZero():
		return max(q.failed.Add(retry).Sub(now), 0)
	case q.over(q.soft, softBytes):
		return 0
	case len(q.ops)-q.voids == q.puts:
		return calm
	}
	logs := max(q.first.Add(store.LogDelay/2).Sub(now), 0)
	if q.calm > 0 {
		return min(calm, logs)
	}
	return logs
}

// take removes the oldest ops, as many as go in one transaction.
func (q *queue) take(now time.Time) []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken = now
	q.compact()
	n, size := 0, 0
	for n < len(q.ops) && n < txOps && (n == 0 || size+q.ops[n].size <= txBytes) {
		size += q.ops[n].size
		n++
	}
	batch := make([]*op, n)
	copy(batch, q.ops)
	q.remove(batch)
	rest := copy(q.ops, q.ops[n:])
	clear(q.ops[rest:])
	q.ops = q.ops[:rest]
	return batch
}

// remove takes the batch out of the counts.
func (q *queue) remove(batch []*op) {
	for _, o := range batch {
		q.bytes -= o.size
		if o.done != nil {
			q.puts--
			if o.calm {
				q.calm--
			}
		}
		if o.key != "" && q.byKey[o.key] == o {
			delete(q.byKey, o.key)
		}
	}
}

// takePuts removes all ops on which somebody waits.
func (q *queue) takePuts() []*op {
	q.mu.Lock()
	defer q.mu.Unlock()
	var puts []*op
	kept := q.ops[:0]
	for _, o := range q.ops {
		if o.done != nil {
			puts = append(puts, o)
		} else {
			kept = append(kept, o)
		}
	}
	clear(q.ops[len(kept):])
	q.ops = kept
	q.remove(puts)
	return puts
}

// written notes a good commit; it tells whether it ends a series of bad ones.
func (q *queue) written() (recovered bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	recovered = !q.failed.IsZero()
	q.failed, q.shed = time.Time{}, false
	close(q.space)
	q.space = make(chan struct{})
	return recovered
}

// putBack returns Log ops that could not be written to the head, but for those
// that were replaced meanwhile. It tells whether err begins a series of failures.
func (q *queue) putBack(logs []*op, err error, now time.Time) (begins bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	begins = q.failed.IsZero()
	q.failed = now
	if q.firstly == nil && len(logs) > 0 {
		q.firstly = err
	}
	back := make([]*op, 0, len(logs)+len(q.ops))
	for _, o := range logs {
		if o.key != "" {
			if q.byKey[o.key] != nil {
				continue
			}
			q.byKey[o.key] = o
		}
		q.bytes += o.size
		back = append(back, o)
	}
	q.ops = append(back, q.ops...)
	return begins
}

// logError gives the first error of a Log write since it was last asked.
func (q *queue) logError() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	err := q.firstly
	q.firstly = nil
	return err
}

// live counts the ops that wait.
func (q *queue) live() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ops) - q.voids
}
