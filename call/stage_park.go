package call

import (
	"context"
	"maps"
	"strconv"
	"sync"
	"time"

	"hotline/acd"
	"hotline/ivr"
	"hotline/media"
	"hotline/store"
)

// Parking slots, by the numbers that agents dial to take a caller out again.
const (
	firstSlot = 701
	lastSlot  = 799
)

// parkingSlot tells whether a number is that of a slot.
func parkingSlot(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && len(number) == 3 && n >= firstSlot && n <= lastSlot
}

// parkedFor is how long a parked caller waits before the phone of whoever parked
// him rings.
const parkedFor = 2 * time.Minute

// slots are the callers who are parked.
type slots struct {
	mu sync.Mutex // guards in
	in map[string]string
}

// take gives a call the first free slot.
func (s *slots) take(call string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.in == nil {
		s.in = map[string]string{}
	}
	for n := firstSlot; n <= lastSlot; n++ {
		if slot := strconv.Itoa(n); s.in[slot] == "" {
			s.in[slot] = call
			return slot, nil
		}
	}
	return "", ErrNoSlot
}

func (s *slots) free(slot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.in, slot)
}

// leave frees whatever slot a call has.
func (s *slots) leave(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.in, func(_, c string) bool { return c == call })
}

// call is who is parked in a slot; "" if nobody.
func (s *slots) call(slot string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in[slot]
}

// of is the slot of a call; "" if it is not parked.
func (s *slots) of(call string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot, c := range s.in {
		if c == call {
			return slot
		}
	}
	return ""
}

// parkStage is a caller without an agent who hears music until somebody dials his
// slot. After a while the phone of who parked him rings.
type parkStage struct {
	slot string
	talk talkStage // that it interrupts
}

func (s parkStage) name() string { return "park " + s.slot }

// park tells the agent the slot, frees him and parks the caller.
func (s talkStage) park(ctx context.Context, c *Call, slot string) stage {
	c.unseat(s.leg)
	c.seatCaller()
	c.caller.start(c.eng.music(store.Queue{}), media.Tone{}, true)
	if s.leg.ctx.Err() == nil {
		said, cancel := context.WithTimeout(ctx, 5*time.Second)
		unhook := context.AfterFunc(s.leg.ctx, cancel)
		s.leg.play(said, c.eng.clips(c.lang, append([]string{"parked-at"}, ivr.Digits(c.lang, slot)...)), false)
		unhook()
		cancel()
	}
	s.release(c, acd.TalkEnded{}, causeNormal)
	return parkStage{slot: slot, talk: s}
}

func (s parkStage) run(ctx context.Context, c *Call) stage {
	defer c.eng.slots.free(s.slot)
	c.seatCaller()
	c.caller.start(c.eng.music(store.Queue{}), media.Tone{}, true)
	limit := time.NewTimer(parkedFor)
	defer limit.Stop()
	for {
		select {
		case o := <-c.orders:
			switch o.Do {
			case doTake, doPickUp:
				return c.taken(o, s.talk)
			case DoTransfer:
				o.done(nil)
				o.told.give(TransferView{State: TransferLed})
				return leadStage{o.dest}
			default:
				o.done(ErrNotNow)
			}
		case <-limit.C:
			c.note("parked too long")
			return returnStage{talk: s.talk}
		case <-c.caller.updated:
			c.journal()
		case <-ctx.Done():
			return nil
		}
	}
}
