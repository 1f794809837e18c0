package acd

import "slices"

// voice is the channel of calls that take the whole agent; "" is the same.
const voice = "voice"

// maxWeight is the heaviest that an item can be.
const maxWeight = 100

// item is what shares an agent with others of its kind: it is offered or in talk.
type item struct {
	id    CallID
	queue *queue
	seat  seat
	offer *offer // nil in talk
	began int64
}

// seatOf is what a call takes of an agent.
func seatOf(ev CallQueued) seat {
	if ev.Channel == "" || ev.Channel == voice {
		return seat{}
	}
	return seat{ev.Channel, min(max(ev.Weight, 1), maxWeight)}
}

// holds tells whether an agent, as he is listed, has room for a seat.
func (a *agent) holds(s seat) bool {
	if s == (seat{}) {
		return a.listed.voice
	}
	return a.listed.shared && a.load(s.channel)+s.weight <= a.Capacity[s.channel]
}

// load is the weight that an agent carries on a channel.
func (a *agent) load(channel string) (sum int) {
	for _, i := range a.items {
		if i.seat.channel == channel {
			sum += i.seat.weight
		}
	}
	return sum
}

// item finds an item by its call.
func (a *agent) item(id CallID) *item {
	for _, i := range a.items {
		if i.id == id {
			return i
		}
	}
	return nil
}

func (a *agent) carry(i *item) {
	a.items = append(a.items, i)
	a.version++
}

func (a *agent) remove(i *item) {
	a.items = slices.DeleteFunc(a.items, func(o *item) bool { return o == i })
	a.version++
}

// ringing is one of the offers that ring at an agent, or nil.
func (a *agent) ringing() *offer {
	for _, i := range a.items {
		if i.offer != nil {
			return i.offer
		}
	}
	return a.offer
}

// carries is what an agent who is shared shows: the first talk, else the first offer.
func (a *agent) carries() (State, CallID) {
	for _, i := range a.items {
		if i.offer == nil {
			return Talking, i.id
		}
	}
	return Offered, a.items[0].id
}
