package bolt

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"hotline/store"
)

// submit queues a write and waits until it is on disk.
func (s *Store) submit(o *op) error {
	o.done = make(chan error, 1)
	p, err := s.queue.push(o)
	if err != nil {
		return err
	}
	if p.early {
		s.wake()
	}
	return <-o.done
}

// put submits a change; verb and id name it in the error.
func (s *Store) put(verb, id string, size int, apply func(*bbolt.Tx) error) error {
	return s.putOp(verb, id, &op{size: size, apply: apply})
}

// putCalm submits what a call leaves behind; nobody on the phone waits for it.
func (s *Store) putCalm(verb, id string, size int, apply func(*bbolt.Tx) error) error {
	return s.putOp(verb, id, &op{size: size, apply: apply, calm: true})
}

func (s *Store) putOp(verb, id string, o *op) error {
	s.stats.Puts.Add(1)
	if err := s.submit(o); err != nil {
		return fmt.Errorf("store: %s %s: %w", verb, id, err)
	}
	return nil
}

// later queues a Log write. It returns at once, but when the writer is far
// behind it waits for it, at most store.LogDelay. After Close it does nothing.
func (s *Store) later(o *op) {
	s.stats.Logs.Add(1)
	p, err := s.queue.push(o)
	if err != nil {
		s.log.Error("store: a log write came after close and is lost", "err", err)
		return
	}
	s.stats.Dropped.Add(uint64(p.dropped))
	if p.begins {
		s.log.Error("store: the disk takes no writes for too long; the oldest ACD events are dropped", "events", p.dropped)
	}
	if p.early {
		s.wake()
	}
	if p.full == nil {
		return
	}
	t := time.NewTimer(store.LogDelay)
	defer t.Stop()
	select {
	case <-p.full:
	case <-t.C:
	}
}

func (s *Store) wake() {
	select {
	case s.queue.kick <- struct{}{}:
	default:
	}
}

// write is the writer: the only goroutine that changes the file. It returns after
// the op of Close.
func (s *Store) write() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		switch wait := s.queue.due(time.Now()); {
		case wait == 0:
			if s.writeBatch(s.queue.take(time.Now())) {
				return
			}
		case wait < 0:
			<-s.queue.kick
		default:
			timer.Reset(wait)
			select {
			case <-s.queue.kick:
			case <-timer.C:
			}
		}
	}
}

// writeBatch commits the ops, tells those who wait and tells whether Close was
// among them. If the commit fails, the Puts are tried alone, since a few pages
// may fit where the whole backlog does not.
func (s *Store) writeBatch(batch []*op) (closed bool) {
	err := s.commit(batch)
	if err == nil {
		if s.queue.written() {
			s.log.Warn("store: the disk takes writes again", "dropped", s.stats.Dropped.Load())
		}
		return s.settle(batch, nil, nil)
	}
	var logs, puts []*op
	for _, o := range batch {
		if o.done == nil {
			logs = append(logs, o)
		} else {
			puts = append(puts, o)
		}
	}
	if s.queue.putBack(logs, err, time.Now()) {
		s.log.Error("store: the disk does not take writes; log writes are kept in memory and tried again", "err", err)
	}
	puts = append(puts, s.queue.takePuts()...)
	putErr := err
	if len(logs) > 0 && len(puts) > 0 {
		putErr = s.commit(puts)
	}
	return s.settle(puts, putErr, err)
}

// settle tells each waiting caller. Who waits only for the writes before (Sync,
// Close) gets the error of these.
func (s *Store) settle(ops []*op, putErr, logErr error) (closed bool) {
	for _, o := range ops {
		if o.done == nil {
			continue
		}
		err := putErr
		if o.apply == nil {
			if err = s.queue.logError(); err == nil {
				err = logErr
			}
		}
		closed = closed || o.last
		o.done <- err
	}
	return closed
}

// commit writes the ops in one transaction, all or none. An error does not prove
// that nothing was written: if the very last fsync fails, all may be there.
func (s *Store) commit(ops []*op) error {
	work := false
	ended := map[string]bool{} // keys of Log writes that are not needed any more
	for _, o := range ops {
		work = work || o.apply != nil
		if o.ends != "" {
			ended[o.ends] = true
		}
	}
	if !work {
		return nil
	}
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			for _, o := range ops {
				if o.apply == nil || o.key != "" && ended[o.key] {
					continue
				}
				if err := o.apply(tx); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		s.stats.Failures.Add(1)
		return wrapErr(err)
	}
	s.stats.Commits.Add(1)
	return nil
}
