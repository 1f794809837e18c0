package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// settingsID is the id of the one object of KindSettings.
const settingsID = "center"

// Decode makes a center of its objects. An object of an unknown kind, or one
// that can't be read, is an error that names it.
func Decode(objects []Object) (Center, error) {
	var c Center
	for _, o := range objects {
		if err := c.put(o); err != nil {
			return Center{}, fmt.Errorf("store: %s %s: %w", o.Kind, o.ID, err)
		}
	}
	return c, nil
}

func (c *Center) put(o Object) error {
	switch o.Kind {
	case KindSettings:
		if o.ID != settingsID {
			return fmt.Errorf("the settings' id must be %q", settingsID)
		}
		return json.Unmarshal(o.Body, &c.Settings)
	case KindSkill:
		return putInto(&c.Skills, o)
	case KindAgent:
		return putInto(&c.Agents, o)
	case KindQueue:
		return putInto(&c.Queues, o)
	case KindNumber:
		return putInto(&c.Numbers, o)
	case KindFlow:
		return putInto(&c.Flows, o)
	case KindPrompt:
		return putInto(&c.Prompts, o)
	case KindHours:
		return putInto(&c.Hours, o)
	case KindTrunk:
		return putInto(&c.Trunks, o)
	case KindConference:
		return putInto(&c.Conferences, o)
	case KindBlock:
		return putInto(&c.Blocks, o)
	case KindVoicemail:
		return putInto(&c.Voicemail, o)
	}
	return errors.New("unknown kind; was it written by a newer hotline?")
}

func putInto[T any](m *map[string]T, o Object) error {
	var v T
	if err := json.Unmarshal(o.Body, &v); err != nil {
		return err
	}
	if *m == nil {
		*m = make(map[string]T)
	}
	(*m)[o.ID] = v
	return nil
}

// Objects are the center as it is kept, ordered by kind and id. Settings that
// are all zero make no object.
func (c Center) Objects() ([]Object, error) {
	var out []Object
	var err error
	if !reflect.ValueOf(c.Settings).IsZero() {
		out, err = add(out, KindSettings, map[string]Settings{settingsID: c.Settings}, err)
	}
	out, err = add(out, KindSkill, c.Skills, err)
	out, err = add(out, KindAgent, c.Agents, err)
	out, err = add(out, KindQueue, c.Queues, err)
	out, err = add(out, KindNumber, c.Numbers, err)
	out, err = add(out, KindFlow, c.Flows, err)
	out, err = add(out, KindPrompt, c.Prompts, err)
	out, err = add(out, KindHours, c.Hours, err)
	out, err = add(out, KindTrunk, c.Trunks, err)
	out, err = add(out, KindConference, c.Conferences, err)
	out, err = add(out, KindBlock, c.Blocks, err)
	out, err = add(out, KindVoicemail, c.Voicemail, err)
	slices.SortFunc(out, func(a, b Object) int { return a.Compare(b.Key) })
	return out, err
}

func add[T any](out []Object, kind Kind, m map[string]T, err error) ([]Object, error) {
	for _, id := range slices.Sorted(maps.Keys(m)) {
		if err != nil {
			return nil, err
		}
		var body []byte
		if body, err = json.Marshal(m[id]); err != nil {
			return nil, fmt.Errorf("store: %s %s: %w", kind, id, err)
		}
		out = append(out, Object{Key{kind, id}, body})
	}
	return out, err
}

// Compare orders keys by kind, then by id.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Kind, other.Kind), cmp.Compare(k.ID, other.ID))
}

// Diff tells what to write so that old becomes new: the objects named by new
// that differ, and with prune also the keys of those that new does not name.
// What is equal gives nothing, so that applying a center twice changes nothing.
// A trunk of new without a secret keeps the one that it has with the same user,
// since secrets are not exported. Both centers must have their secrets opened.
func Diff(old, new Center, prune bool) (put []Object, del []Key, err error) {
	new.Trunks = keepSecrets(old.Trunks, new.Trunks)
	was, err := old.Objects()
	if err != nil {
		return nil, nil, err
	}
	want, err := new.Objects()
	if err != nil {
		return nil, nil, err
	}
	have := make(map[Key][]byte, len(was))
	for _, o := range was {
		have[o.Key] = o.Body
	}
	for _, o := range want {
		body, ok := have[o.Key]
		delete(have, o.Key)
		if !ok || !sameJSON(body, o.Body) {
			put = append(put, o)
		}
	}
	if prune {
		del = slices.SortedFunc(maps.Keys(have), Key.Compare)
	}
	return put, del, nil
}

func keepSecrets(old, new map[string]Trunk) map[string]Trunk {
	new = maps.Clone(new)
	for id, t := range new {
		if was, ok := old[id]; ok && t.Secret == "" && t.User == was.User {
			t.Secret = was.Secret
			new[id] = t
		}
	}
	return new
}

// sameJSON compares values, not spelling: space and the order of members, which
// the nodes of a flow keep as they were written, don't count.
func sameJSON(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, errX := canonical(a)
	y, errY := canonical(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func canonical(b []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // keeps the digits of large numbers
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v) // sorts the members
}
