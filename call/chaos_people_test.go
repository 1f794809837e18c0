package call_test

import (
	"context"
	"math/rand/v2"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

// withPeople adds to the center of chaos a small room, a number that greets before
// it answers and takes few calls of one caller, what may be noted of calls, and
// short blocks.
func withPeople(c *store.Center) {
	c.Conferences = map[string]store.Conference{"room": {Max: 3}}
	c.Numbers["4100"] = store.Number{To: "conference:room"}
	c.Numbers["4101"] = store.Number{To: "agent:1001", Greeting: []string{"please-hold"}, Early: true,
		Limit: &store.Limit{Calls: 2, Per: store.Duration(5 * time.Second), AtOnce: 1}}
	c.Settings.Dispositions = map[string]store.DispositionCode{"sale": {Digits: "1"}}
	c.Trunks["away"] = store.Trunk{Peers: []string{"sip:10.0.2.8:5060"}, NoAnswer: store.Duration(time.Second), Most: 2} // answers nothing
	c.Settings.Outbound = &store.Outbound{Country: "49", Most: 2, Rules: []store.Route{
		{Prefix: "0", Strip: 1, Add: "49", Trunks: []store.RouteTrunk{{Trunk: "away"}, {Trunk: "out", Priority: 1}}}}}
	c.Settings.BlockFor = store.Duration(3 * time.Second)
}

// leadsOn is an agent who calls somebody else and has his caller taken there,
// whether it rings, talks or is over by then.
func (x *chaos) leadsOn(r *rand.Rand, p *phone.Phone, c *phone.Call) {
	if r.IntN(4) > 0 {
		return
	}
	second, err := p.Call(x.ctx, pick(r, "1002", "1003", "4001", "0777"))
	if err != nil {
		return
	}
	second.Tone(440)
	pause(r, 8)
	if !c.Over() {
		c.Transfer("1002", second)
	}
	pause(r, 16)
	second.Hangup()
}

// people do what they do with calls: in conferences, in wrap-up, about callers.
// Whether it can be done does not matter.
func (x *chaos) people(r *rand.Rand) {
	agent := pick(r, "1001", "1002", "1003")
	who := pick(r, "1001", "1003", "493010", "493011", "493012")
	acts := 10
	if x.takes {
		acts = 14
	}
	switch r.IntN(acts) {
	case 0:
		x.eng.Note(agent, call.NoteRequest{Code: "sale", Text: "chaos"}, pick(r, "chaos", "agent:1001"))
	case 1:
		x.eng.ExtendWrapUp(agent, time.Duration(1+r.IntN(10))*time.Second, "chaos")
	case 2:
		x.eng.EndWrapUp(agent, "chaos")
	case 3:
		x.eng.Block(pick(r, "493010", "49301*"), call.BlockRequest{Say: pick(r, "", "not-allowed"), For: store.Duration(3 * time.Second)}, "chaos")
	case 4:
		x.eng.Unblock(pick(r, "493010", "49301*"), "chaos")
	case 5, 6:
		x.eng.ConferenceInvite("room", pick(r, "agent:1001", "agent:1003", "trunk:out/49309", "0777", "0777"), "chaos")
	case 7:
		x.eng.ConferenceMute("room", who, r.IntN(2) == 0, "chaos")
	case 8:
		x.eng.ConferenceKick("room", who, "chaos")
	case 9:
		x.eng.ConferenceLock("room", r.IntN(2) == 0, "chaos")
	case 10:
		x.eng.PickUp(agent, pick(r, "", "1001", "1002"), "chaos")
	case 11:
		x.eng.Unpark(agent, pick(r, "701", "702", "1001"), "chaos")
	case 12:
		x.eng.Dial(agent, pick(r, "*8", "701", "*421", "*440", "*451", "4001", "4020", "0777", "1003"), "", "chaos")
	case 13:
		ctx, cancel := context.WithTimeout(x.ctx, time.Second)
		defer cancel()
		x.eng.Transfer(ctx, agent, pick(r, "1002", "1003", "queue:sales", "0777"), "chaos")
	}
}
