package call

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hotline/store"
)

// Why a caller is not kept out, or no longer.
var (
	ErrNotBlocked = errors.New("is not blocked; hotline caller list shows who is")
	ErrBadBlock   = errors.New("can't be blocked; name a number, or the beginning of numbers with a star behind it, such as '+49190*', or anonymous")
	ErrManyBlocks = errors.New("are blocked already, which is the most; unblock some, or block a prefix")
	ErrOwnPhone   = errors.New("is a phone of ours, and a colleague can't be blocked; hotline agent state makes him not ready")
)

// maxBlocks is how many blocks a center has at most.
const maxBlocks = 100_000

// blockedBusy is what a blocked caller gets where nothing is to be said to him.
const blockedBusy = "busy"

const (
	actBlock   = "block"
	actUnblock = "unblock"
)

// BlockRequest keeps a caller out.
type BlockRequest struct {
	Reason string         `json:"reason,omitempty"`
	Say    string         `json:"say,omitempty"` // prompt that he hears; empty: the settings' choice
	For    store.Duration `json:"for,omitempty"` // 0: until it is taken back
}

// BlockView is one who is kept out, as operators see him.
type BlockView struct {
	Number string `json:"number"`
	store.Block
}

// Blocks are all who are kept out now, by number.
func (e *Engine) Blocks() []BlockView {
	w := e.world.Load()
	out := []BlockView{}
	for _, id := range sortedKeys(w.center.Blocks) {
		if b := w.center.Blocks[id]; inForce(b, time.Now()) {
			out = append(out, BlockView{id, b})
		}
	}
	return out
}

func inForce(b store.Block, now time.Time) bool { return b.Until.IsZero() || now.Before(b.Until) }

// blocked finds the block that keeps a number out: its own, else the one of its
// longest beginning.
func (w *world) blocked(number string, now time.Time) (store.Block, bool) {
	if len(w.center.Blocks) == 0 {
		return store.Block{}, false
	}
	if b, ok := w.center.Blocks[number]; ok && inForce(b, now) {
		return b, true
	}
	for n := len(number); n > 0; n-- {
		if b, ok := w.center.Blocks[number[:n]+"*"]; ok && inForce(b, now) {
			return b, true
		}
	}
	return store.Block{}, false
}

// Block keeps a caller out from now on; his running calls go on.
func (e *Engine) Block(number string, r BlockRequest, actor string) (BlockView, error) {
	switch _, ours := e.world.Load().center.Agents[number]; {
	case ours:
		return BlockView{}, fmt.Errorf("%s: %w", number, ErrOwnPhone)
	case number != anonymous && !isNumber(strings.TrimSuffix(number, "*")):
		return BlockView{}, fmt.Errorf("%q %w", number, ErrBadBlock)
	}
	return e.block(number, r, actor, "")
}

// isNumber tells whether somebody may call from a number that is, or begins, so:
// an operator who types a word has mistaken himself.
func isNumber(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return digits != "" && len(digits) <= 32 && strings.Trim(digits, "0123456789") == ""
}

func (e *Engine) block(number string, r BlockRequest, actor, call string) (BlockView, error) {
	now := time.Now()
	b := store.Block{Reason: r.Reason, Say: r.Say, By: actor, At: now, Call: call}
	if r.For != 0 {
		b.Until = now.Add(r.For.D())
	}
	k := &check{c: e.world.Load().center}
	k.blockPrompt("say", r.Say)
	switch {
	case !blockable(number):
		return BlockView{}, fmt.Errorf("%q %w", number, ErrBadBlock)
	case r.For < 0:
		return BlockView{}, fmt.Errorf("for %s, which is over: %w", r.For, ErrBadValue)
	case r.Reason != plainName(r.Reason):
		return BlockView{}, fmt.Errorf("reason: use at most 64 letters that can be shown: %w", ErrBadValue)
	case len(k.out) > 0:
		return BlockView{}, fmt.Errorf("%s; use %s: %w", k.out[0].What, k.out[0].Try, ErrBadValue)
	}
	err := e.changeBlocks(number, &b, actor)
	if err != nil {
		return BlockView{}, err
	}
	e.auditBlock(actBlock, number, b, actor)
	return BlockView{number, b}, nil
}

// Unblock lets a caller in again.
func (e *Engine) Unblock(number, actor string) error {
	b, ok := e.world.Load().center.Blocks[number]
	if !ok {
		return fmt.Errorf("%s %w", number, ErrNotBlocked)
	}
	if err := e.changeBlocks(number, nil, actor); err != nil {
		return err
	}
	e.auditBlock(actUnblock, number, b, actor)
	return nil
}

func (e *Engine) auditBlock(act, number string, b store.Block, actor string) {
	now := time.Now()
	e.log.Info(act, "by", actor, "call", b.Call)
	e.store.LogAudit(store.Audit{ID: store.NewID(now), At: now, Actor: actor, Act: act, Call: b.Call, With: []string{number}, Text: b.Reason})
}

// changeBlocks writes one block, or takes it away with nil, and those that are
// over. Nothing else of the center is touched, so nothing else is read again.
func (e *Engine) changeBlocks(number string, b *store.Block, actor string) error {
	e.applying.Lock()
	defer e.applying.Unlock()
	w := *e.world.Load()
	blocks, now := maps.Clone(w.center.Blocks), time.Now()
	if blocks == nil {
		blocks = map[string]store.Block{}
	}
	var del []store.Key
	for id, old := range blocks {
		if id != number && !inForce(old, now) {
			delete(blocks, id)
			del = append(del, store.Key{Kind: store.KindBlock, ID: id})
		}
	}
	var put []store.Object
	if b == nil {
		delete(blocks, number)
		del = append(del, store.Key{Kind: store.KindBlock, ID: number})
	} else {
		blocks[number] = *b
		all, err := store.Center{Blocks: map[string]store.Block{number: *b}}.Objects()
		if err != nil {
			return err
		}
		put = all
	}
	if len(blocks) > maxBlocks {
		return fmt.Errorf("%d numbers %w", maxBlocks, ErrManyBlocks)
	}
	slices.SortFunc(del, store.Key.Compare)
	revision, err := e.store.Change(put, del, actor, now)
	if err != nil {
		return fmt.Errorf("call: block: %w", err)
	}
	w.center.Blocks, w.revision = blocks, revision
	e.world.Store(&w)
	return nil
}

// defaultBlock is how long an agent's mark keeps a caller out.
const defaultBlock = 24 * time.Hour

// Nuisance blocks the caller of an agent's last call.
func (e *Engine) Nuisance(agent string) (BlockView, error) {
	id, err := e.lastCall(agent)
	if err != nil {
		return BlockView{}, err
	}
	r, _, err := e.record(id)
	switch {
	case err != nil:
		return BlockView{}, err
	case !strings.HasPrefix(r.From, "trunk:"):
		return BlockView{}, fmt.Errorf("call %s: %w", id, ErrOwnPhone)
	case r.Caller == anonymous: // a mark on one must not keep out all who hide
		return BlockView{}, fmt.Errorf("call %s: an anonymous caller %w", id, ErrBadBlock)
	}
	long := orDefault(e.world.Load().center.Settings.BlockFor.D(), defaultBlock)
	return e.block(r.Caller, BlockRequest{Reason: "nuisance", For: store.Duration(long)}, "agent:"+agent, id)
}
