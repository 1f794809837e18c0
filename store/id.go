package store

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Parts of an id, in base-36 digits.
const (
	idTime  = 11 // microseconds since 1970; lasts beyond the year 5000
	idCount = 6  // ids made by this process so far; wraps after 2.1e9
	idNode  = 7  // random per process
)

const base36 = "0123456789abcdefghijklmnopqrstuvwxyz"

var (
	idMade atomic.Uint64
	idHost = randomNode()
)

func randomNode() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])
}

// NewID makes an id of 24 characters out of 0-9a-z. Ids sort by their time, and
// ids of one time by the order in which this process made them. No two are the
// same in a process; between processes 36 random bits keep them apart.
func NewID(now time.Time) string {
	var b [idTime + idCount + idNode]byte
	digits(b[:idTime], uint64(max(now.UnixMicro(), 0)))
	digits(b[idTime:idTime+idCount], idMade.Add(1))
	digits(b[idTime+idCount:], idHost)
	return string(b[:])
}

// digits fills b with the lowest digits of v.
func digits(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = base36[v%36]
		v /= 36
	}
}
