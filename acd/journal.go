package acd

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// envelope is an event in the journal: {"type":"CallLeft","data":{"call":"c1"}}.
type envelope struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// eventTypes are all events by the name of their type, which is their name in the journal.
var eventTypes = func() map[string]reflect.Type {
	m := make(map[string]reflect.Type)
	for _, ev := range []Event{
		Configure{}, CallQueued{}, CallLeft{}, LogIn{}, Ready{}, NotReady{}, LogOut{}, Reachable{}, Occupied{},
		OfferAnswered{}, OfferRefused{}, TalkEnded{}, WrapUpDone{}, WrapUpExtended{}, Rated{}, Unrated{}, RatedCustomer{}, UnratedCustomer{}, ResetGrades{}, Rekey{}, Tick{},
	} {
		t := reflect.TypeOf(ev)
		m[t.Name()] = t
	}
	return m
}()

// EncodeEvent writes an event as one line of JSON for the replay journal.
func EncodeEvent(ev Event) ([]byte, error) {
	if ev == nil {
		return nil, fmt.Errorf("acd: encode event: nil")
	}
	kind := reflect.TypeOf(ev).Name()
	data, err := json.Marshal(ev)
	if err != nil {
		return nil, fmt.Errorf("acd: encode %s: %w", kind, err)
	}
	return json.Marshal(envelope{kind, data})
}

// DecodeEvent reads what EncodeEvent wrote. Unknown types are an error; unknown
// fields are passed over, so that an older process can read a newer journal.
func DecodeEvent(b []byte) (Event, error) {
	var e envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return nil, fmt.Errorf("acd: decode event: %w", err)
	}
	t, ok := eventTypes[e.Type]
	if !ok {
		return nil, fmt.Errorf("acd: decode event: unknown type %q", e.Type)
	}
	v := reflect.New(t)
	if len(e.Data) > 0 {
		if err := json.Unmarshal(e.Data, v.Interface()); err != nil {
			return nil, fmt.Errorf("acd: decode %s: %w", e.Type, err)
		}
	}
	return v.Elem().Interface().(Event), nil
}
