package sip

import (
	"container/list"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	nonceLife = 60 * time.Second
	// nonceSkew is how far ahead of us a nonce of ours may be, when the wall clock was set back.
	nonceSkew = 5 * time.Second
	// maxCounts bounds the nonces in use whose counts are remembered.
	maxCounts = 1 << 16

	nonceIDBytes  = 12 // 8 of time in ms, 4 of a counter
	nonceMACBytes = 16
)

// nonces makes and checks nonces. A nonce is its time, a counter and an HMAC over
// both and the source address: nothing is kept until it was used with a right secret.
type nonces struct {
	key     []byte
	born    int64 // ms; older nonces are stale, for their counts are unknown
	counter atomic.Uint32
	counts  nonceCounts
}

func newNonces(now time.Time, key []byte) *nonces {
	n := &nonces{key: key, born: now.UnixMilli()}
	n.counts.used = make(map[countKey]*list.Element)
	n.counts.limit = maxCounts
	n.counts.floor = -1 << 63
	return n
}

// issue makes a nonce for a source address.
func (n *nonces) issue(now time.Time, source netip.Addr) string {
	var id [nonceIDBytes]byte
	binary.BigEndian.PutUint64(id[:], uint64(now.UnixMilli()))
	binary.BigEndian.PutUint32(id[8:], n.counter.Add(1))
	return base64.RawURLEncoding.EncodeToString(append(id[:], n.mac(id, source)...))
}

// check says whether a nonce is ours, meant for that source, and fresh.
func (n *nonces) check(now time.Time, source netip.Addr, nonce string) (id [nonceIDBytes]byte, ok bool) {
	var raw [nonceIDBytes + nonceMACBytes]byte
	if len(nonce) != base64.RawURLEncoding.EncodedLen(len(raw)) {
		return id, false
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(raw[:], []byte(nonce)); err != nil {
		return id, false
	}
	id = [nonceIDBytes]byte(raw[:nonceIDBytes])
	if !hmac.Equal(raw[nonceIDBytes:], n.mac(id, source)) {
		return id, false
	}
	at := nonceTime(id)
	age := now.UnixMilli() - at
	return id, at >= n.born && age <= nonceLife.Milliseconds() && age >= -nonceSkew.Milliseconds()
}

func (n *nonces) mac(id [nonceIDBytes]byte, source netip.Addr) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write(id[:])
	addr := source.Unmap().WithZone("").As16()
	h.Write(addr[:])
	return h.Sum(nil)[:nonceMACBytes]
}

func nonceTime(id [nonceIDBytes]byte) int64 { return int64(binary.BigEndian.Uint64(id[:8])) }

type countKey struct {
	id   [nonceIDBytes]byte
	user string
}

type countEntry struct {
	key countKey
	nc  uint32
}

// nonceCounts remembers the highest nonce count by nonce and user. It is bounded:
// when it must forget a fresh nonce, it refuses all that are as old, so that
// forgetting never makes a replay pass.
type nonceCounts struct {
	mu    sync.Mutex // guards all below
	used  map[countKey]*list.Element
	order list.List // of *countEntry, first used first
	floor int64     // ms; nonces made at or before it are refused
	limit int
}

// take books nc; false when it does not exceed the last one of that nonce and user.
func (c *nonceCounts) take(now time.Time, id [nonceIDBytes]byte, user string, nc uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if nonceTime(id) <= c.floor || nc == 0 {
		return false
	}
	k := countKey{id, user}
	if e, ok := c.used[k]; ok {
		entry := e.Value.(*countEntry)
		if nc <= entry.nc {
			return false
		}
		entry.nc = nc
		return true
	}
	c.forget(now)
	c.used[k] = c.order.PushBack(&countEntry{k, nc})
	return true
}

// forget drops what is out of date, and the first used when there is no room.
func (c *nonceCounts) forget(now time.Time) {
	dead := now.Add(-nonceLife).UnixMilli()
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		entry := e.Value.(*countEntry)
		at := nonceTime(entry.key.id)
		if at >= dead && c.order.Len() < c.limit {
			return
		}
		if at >= dead {
			c.floor = max(c.floor, at)
		}
		c.order.Remove(e)
		delete(c.used, entry.key)
	}
}
