package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"

	"hotline/acd"
	"hotline/store"
)

// Apply changes the center: what the request names, and with Prune also what it
// leaves out of the kinds that it names. It changes all or nothing; calls that
// run follow at their next step.
func (e *Engine) Apply(r ApplyRequest) (ApplyResult, error) {
	e.applying.Lock()
	defer e.applying.Unlock()
	old, err := e.stored()
	if err != nil {
		return ApplyResult{}, err
	}
	merged := merge(old, r.Center, r.Prune)
	res := ApplyResult{Revision: e.world.Load().revision, Changes: []Diff{}}
	if res.Problems = Check(merged); len(res.Problems) > 0 {
		return res, nil
	}
	merged = hashPINs(merged, old)
	res.Changes = e.describe(old, merged)
	if r.DryRun || len(res.Changes) == 0 {
		return res, nil
	}
	sealed, err := e.seal(merged)
	if err != nil {
		return res, err
	}
	was, err := e.sealedStored()
	if err != nil {
		return res, err
	}
	put, del, err := store.Diff(was, sealed, true)
	if err != nil {
		return res, fmt.Errorf("call: apply: %w", err)
	}
	res.Revision, err = e.store.Change(put, del, r.Actor, time.Now())
	if err != nil {
		return res, fmt.Errorf("call: apply: %w", err)
	}
	return res, e.reload()
}

// stored is the center with its secrets in plain, and PINs hashed.
func (e *Engine) stored() (store.Center, error) {
	c, err := e.sealedStored()
	if err != nil || e.cfg.Sealer == nil {
		return c, err
	}
	c = e.openPINs(c)
	for id, t := range c.Trunks {
		if t.Secret == "" {
			continue
		}
		plain, err := e.cfg.Sealer.Open(t.Secret)
		if err != nil { // the key was lost: it stays as it is until it is set again
			continue
		}
		t.Secret = plain
		c.Trunks[id] = t
	}
	return c, nil
}

func (e *Engine) sealedStored() (store.Center, error) {
	objects, _, err := e.store.Objects()
	if err != nil {
		return store.Center{}, fmt.Errorf("call: read the center: %w", err)
	}
	return store.Decode(objects)
}

// seal encrypts secrets; those that did not change keep their ciphertext, so
// that applying the same file twice changes nothing.
func (e *Engine) seal(c store.Center) (store.Center, error) {
	if e.cfg.Sealer == nil {
		return c, nil
	}
	was, err := e.sealedStored()
	if err != nil {
		return c, err
	}
	trunks := map[string]store.Trunk{}
	for id, t := range c.Trunks {
		if t.Secret != "" {
			if old := was.Trunks[id].Secret; old != "" {
				if plain, err := e.cfg.Sealer.Open(old); err == nil && plain == t.Secret {
					t.Secret = old
				}
			}
			if t.Secret != was.Trunks[id].Secret {
				t.Secret = e.cfg.Sealer.Seal(t.Secret)
			}
		}
		trunks[id] = t
	}
	c.Trunks = trunks
	return e.sealPINs(c, was), nil
}

// reload makes the stored center the one in force.
func (e *Engine) reload() error {
	objects, revision, err := e.store.Objects()
	if err != nil {
		return fmt.Errorf("call: read the center: %w", err)
	}
	c, err := store.Decode(objects)
	if err != nil {
		return err
	}
	w, err := newWorld(e.openPINs(c), revision)
	if err != nil {
		return err
	}
	old := e.world.Load()
	e.ownSounds(c)
	e.world.Store(w)
	e.sip.SetTrunks(e.trunks(w))
	e.disp.must(w.configure())
	e.advise(w)
	if !maps.Equal(old.center.Settings.Tiers, c.Settings.Tiers) {
		e.rekey(func(string) bool { return true })
	}
	for _, id := range sortedKeys(c.Agents) {
		a := c.Agents[id]
		before, known := old.center.Agents[id]
		switch {
		case !known:
			e.introduce(w, id, store.AgentStatus{}, false)
		case before.Contact != a.Contact || before.Trunk != a.Trunk:
			e.disp.must(acd.Reachable{Agent: acd.AgentID(id), Yes: e.reachable(id, a)})
		}
	}
	for id := range old.center.Agents {
		if _, ok := c.Agents[id]; !ok {
			if err := e.store.DeleteAccount(id); err != nil {
				e.log.Error("account of a deleted agent was not deleted", "agent", id, "err", err)
			}
		}
	}
	e.agenda.jobs.add(e.allLamps)
	return e.loadAccounts()
}

// merge lays what is named over the old center.
func merge(old, named store.Center, prune bool) store.Center {
	out := old
	if !reflect.ValueOf(named.Settings).IsZero() {
		out.Settings = named.Settings
	}
	out.Skills = overlay(old.Skills, named.Skills, prune)
	out.Agents = overlay(old.Agents, named.Agents, prune)
	out.Queues = overlay(old.Queues, named.Queues, prune)
	out.Numbers = overlay(old.Numbers, named.Numbers, prune)
	out.Flows = overlay(old.Flows, named.Flows, prune)
	out.Prompts = overlay(old.Prompts, named.Prompts, prune)
	out.Hours = overlay(old.Hours, named.Hours, prune)
	out.Conferences = overlay(old.Conferences, named.Conferences, prune)
	out.Blocks = overlay(old.Blocks, named.Blocks, prune)
	out.Voicemail = overlay(old.Voicemail, named.Voicemail, prune)
	trunks := overlay(old.Trunks, named.Trunks, prune)
	for id, t := range trunks { // a file without the secret keeps it
		if t.Secret == "" && t.User != "" && t.User == old.Trunks[id].User {
			t.Secret = old.Trunks[id].Secret
			trunks[id] = t
		}
	}
	out.Trunks = trunks
	return out
}

func overlay[V any](old, named map[string]V, prune bool) map[string]V {
	out := map[string]V{}
	if !(prune && named != nil) {
		for k, v := range old {
			out[k] = v
		}
	}
	for k, v := range named {
		out[k] = v
	}
	return out
}

// describe says what changes between two centers, for people.
func (e *Engine) describe(old, new store.Center) []Diff {
	was, err1 := old.Objects()
	now, err2 := new.Objects()
	if err1 != nil || err2 != nil {
		return nil
	}
	before, after := map[store.Key]json.RawMessage{}, map[store.Key]json.RawMessage{}
	var keys []store.Key
	for _, o := range was {
		before[o.Key] = o.Body
		keys = append(keys, o.Key)
	}
	for _, o := range now {
		if _, ok := before[o.Key]; !ok {
			keys = append(keys, o.Key)
		}
		after[o.Key] = o.Body
	}
	sortKeys(keys)
	out := []Diff{}
	for _, k := range keys {
		b, hadB := before[k]
		a, hasA := after[k]
		d := Diff{Kind: string(k.Kind), ID: k.ID}
		switch {
		case !hadB:
			d.Op = "create"
		case !hasA:
			d.Op = "delete"
		default:
			if d.Fields = fieldDiff(b, a); len(d.Fields) == 0 {
				continue
			}
			d.Op = "change"
		}
		out = append(out, d)
	}
	return out
}

// fieldDiff lists the top-level fields that differ; secrets and audio only by name.
func fieldDiff(a, b json.RawMessage) []string {
	var x, y map[string]any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return []string{"everything"}
	}
	names := map[string]bool{}
	for k := range x {
		names[k] = true
	}
	for k := range y {
		names[k] = true
	}
	var out []string
	for _, k := range sortedKeys(names) {
		if reflect.DeepEqual(x[k], y[k]) {
			continue
		}
		if k == "secret" || k == "pin" || hasAudio(x[k]) || hasAudio(y[k]) {
			out = append(out, k)
			continue
		}
		out = append(out, k+": "+brief(x[k])+" -> "+brief(y[k]))
	}
	return out
}

// hasAudio tells a prompt's recording in one language.
func hasAudio(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["audio"] != nil
}

func brief(v any) string {
	if v == nil {
		return "(none)"
	}
	b, _ := json.Marshal(v)
	if r := []rune(string(b)); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return string(b)
}

// Center is the center in force, for export: without secrets, and with PINs hashed.
func (e *Engine) Center() (store.Center, uint64) {
	w := e.world.Load()
	c := w.center
	c.Trunks = map[string]store.Trunk{}
	for id, t := range w.center.Trunks {
		t.Secret = ""
		c.Trunks[id] = t
	}
	return c, w.revision
}
