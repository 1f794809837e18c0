package store

import (
	"errors"
	"time"
)

// ErrNotFound is returned for an id that is not there.
var ErrNotFound = errors.New("store: not found")

// ErrFull is wrapped by writes that failed for want of space.
var ErrFull = errors.New("store: disk full")

// ErrClosed is wrapped by calls after Close.
var ErrClosed = errors.New("store: closed")

// Filter picks records by time, newest first. Zero fields don't filter.
type Filter struct {
	From, To time.Time // of the beginning; To is exclusive
	Agent    string
	Queue    string
	Caller   string
	Limit    int // 0: all

	Disposition string // of CDRs: the code that was noted; [NoDisposition]: none, though an agent talked
}

// NoDisposition filters the calls of which nothing was noted that should have been.
const NoDisposition = "-"

// Store keeps what must outlive the process. Its methods may be called from any
// goroutine. A write has reached the disk when it returns, but for the methods
// named Log: these return at once, reach the disk within [LogDelay], and keep
// their order among themselves.
type Store interface {
	// The center.
	Objects() ([]Object, uint64, error)                                         // all of them, and the revision
	Change(put []Object, del []Key, actor string, at time.Time) (uint64, error) // at once or not at all
	Changes(limit int) ([]Change, error)                                        // newest first

	// Calls.
	PutCDR(CDR) error // also removes the call's journal
	CDR(id string) (CDR, error)
	CDRs(Filter, func(CDR) bool) error // newest first until false
	LogJournal(Journal)                // replaces the call's
	Journals() ([]Journal, error)
	PutRecording(Recording) error
	Recording(id string) (Recording, error)
	Recordings(Filter, func(Recording) bool) error
	DeleteRecording(id string) error // its record; the audio is not the store's

	// What callers leave behind: messages, and places in queues.
	PutVoicemail(Voicemail) error
	DeleteVoicemail(id string) error
	Voicemail(id string) (Voicemail, error)
	Voicemails(func(Voicemail) bool) error // by id, so oldest first
	PutCallback(Callback) error
	DeleteCallback(id string) error
	Callback(id string) (Callback, error)
	Callbacks(func(Callback) bool) error // by id

	// People.
	PutEvaluation(Evaluation) error
	DeleteEvaluation(id string) error
	Evaluation(id string) (Evaluation, error)
	Evaluations(func(Evaluation) bool) error                                // oldest first
	EvaluationsOf(f Filter, side string, yield func(Evaluation) bool) error // newest first until false; side "": both
	PutCustomer(Customer) error
	Customer(id string) (Customer, error)
	Customers(func(Customer) bool) error
	PutAccount(Account) error
	DeleteAccount(user string) error
	Accounts() ([]Account, error)
	LogBinding(Binding)
	LogUnbind(id string)
	Bindings() ([]Binding, error)
	LogAgentStatus(AgentStatus)
	AgentStatuses() ([]AgentStatus, error)

	// The log of people's acts, which is never changed.
	PutAudit(Audit) error // fails if there is one of that id
	LogAudit(Audit)
	Audits(Filter, func(Audit) bool) error // newest first until false

	// The ACD's journal.
	LogACD([]ACDEvent)
	ACDEvents(from, to time.Time, f func(ACDEvent) bool) error // oldest first
	TrimACD(before time.Time) error

	// Small facts of the installation (realm, epoch, keys), by name.
	Meta(name string) ([]byte, error)
	PutMeta(name string, value []byte) error

	Sync() error  // waits until all Log writes so far are on disk; the first error since the last Sync
	Close() error // Sync, then closes
}

// LogDelay is the longest that a Log write waits before it is written.
const LogDelay = 50 * time.Millisecond
