package call

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hotline/media"
	"hotline/recordings"
	"hotline/sip"
	"hotline/store"
)

// Config of an Engine.
type Config struct {
	SIP        sip.Config      // sockets and limits; the engine sets accounts, bindings and callbacks
	Media      media.Config    // of an engine in this process; the engine sets Events
	Plane      NewPlane        // makes another one; nil: an engine in this process
	Store      store.Store     // required; the engine does not close it
	Recordings *recordings.Dir // nil: nothing is recorded
	Sealer     *store.Sealer   // opens trunk secrets; nil: they are kept as they are
	Node       string          // names this process in offers; default "a"
	Version    string
	MaxCalls   int           // running calls; more get 503; default 2000
	Grace      time.Duration // for the last words of calls at shutdown (BYE, CDR); default 10 s
	Adopt      time.Duration // calls of an earlier process whose audio goes on are ended after so long; default 5 s
	Log        *slog.Logger  // default slog.Default()
}

// Engine runs all calls.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	sip     *sip.Endpoint
	media   Plane
	left    media.State // what media ran before us
	store   store.Store
	recs    *recordings.Dir
	disp    *dispatcher
	metrics *metrics
	stats   Stats
	began   time.Time
	realm   string

	ctx  context.Context // ends with the shutdown, with its cause
	stop context.CancelCauseFunc
	wg   sync.WaitGroup // calls and what they began

	world     atomic.Pointer[world]
	accounts  atomic.Pointer[map[string]store.Account]
	sounds    sounds
	legs      sync.Map // media.LegID -> *Leg
	records   sync.Map // media.RecordingID -> store.Recording
	supers    supervisors
	rooms     rooms
	slots     slots
	blf       lamps
	outs      outs
	limits    limits
	jobs      jobs // what must not hold up a SIP worker
	writes    jobs // what waits for the disk
	agenda    agenda
	mail      mail
	wrapUps   wrapUps
	showNext  sync.Map // agent to the number that his next call out shows
	callbacks callbacks

	mu       sync.Mutex // guards calls, busy, degraded
	calls    map[string]*Call
	busy     map[string]int // agents in calls outside the ACD
	degraded map[string]string

	grading    grading    // changes of evaluations
	customers  stripes    // changes of customers
	noting     stripes    // what came of calls, by id
	applying   sync.Mutex // one Apply at a time
	accounting sync.Mutex // one reading of the accounts at a time
}

// Stats counts what the engine did. Fields only grow.
type Stats struct {
	Calls           atomic.Uint64 // ended
	Refused         atomic.Uint64 // turned away for want of capacity
	Panics          atomic.Uint64 // stages that broke; each ended its own call
	Dropped         atomic.Uint64 // events that found no room
	RecordingErrors atomic.Uint64 // recordings that failed or lost audio
	StoreErrors     atomic.Uint64 // writes that had to be tried again
	Recovered       atomic.Uint64 // calls of an earlier process that were closed
	RatingAlarms    atomic.Uint64 // ratings that look like an attack
	Silences        atomic.Uint64 // legs in talk that sent nothing for 5 s
	Stuck           atomic.Uint64 // calls that outlived their end by 30 s
	Reconciled      atomic.Uint64 // agents and places that the ACD kept for what was gone
}

// New reads the center from the store and builds the planes; nothing runs yet.
func New(cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Node == "" {
		cfg.Node = "a"
	}
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 2000
	}
	cfg.Grace = orDefault(cfg.Grace, 5*time.Second)
	cfg.Adopt = orDefault(cfg.Adopt, 5*time.Second)
	e := &Engine{cfg: cfg, log: cfg.Log, store: cfg.Store, recs: cfg.Recordings, began: time.Now(),
		calls: map[string]*Call{}, busy: map[string]int{}, degraded: map[string]string{}}
	e.jobs.wake, e.writes.wake, e.agenda.jobs.wake = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	e.agenda.gone = make(chan struct{})
	e.blf.wake = make(chan struct{}, 1)
	e.metrics = newMetrics(e)
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	if err := e.load(); err != nil {
		return nil, err
	}
	epoch, err := e.nextEpoch()
	if err != nil {
		return nil, err
	}
	e.disp = newDispatcher(e, epoch)
	if err := e.newPlane(cfg); err != nil {
		return nil, err
	}
	if err := e.newEndpoint(cfg.SIP); err != nil {
		return nil, err
	}
	e.loadSounds()
	if err := e.recallLimits(time.Now()); err != nil { // no reason not to serve
		e.log.Warn("callers of before are not counted against the limits of numbers", "err", err)
	}
	return e, nil
}

// load reads center and accounts.
func (e *Engine) load() error {
	if err := e.hidePINs(); err != nil {
		return err
	}
	objects, revision, err := e.store.Objects()
	if err != nil {
		return fmt.Errorf("call: read the center: %w", err)
	}
	c, err := store.Decode(objects)
	if err != nil {
		return fmt.Errorf("call: read the center: %w", err)
	}
	w, err := newWorld(e.openPINs(c), revision)
	if err != nil {
		return err
	}
	e.world.Store(w)
	e.advise(w)
	return e.loadAccounts()
}

// nextEpoch makes ids of offers differ from those of earlier processes.
func (e *Engine) nextEpoch() (uint64, error) {
	var n uint64
	b, err := e.store.Meta("epoch")
	switch {
	case err == nil && len(b) == 8:
		n = binary.BigEndian.Uint64(b)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return 0, fmt.Errorf("call: read the epoch: %w", err)
	}
	n++
	if err := e.store.PutMeta("epoch", binary.BigEndian.AppendUint64(nil, n)); err != nil {
		return 0, fmt.Errorf("call: write the epoch: %w", err)
	}
	return n, nil
}

// newEndpoint builds the SIP plane. The realm is fixed by the first start: it is
// part of every stored secret.
func (e *Engine) newEndpoint(c sip.Config) error {
	realm, err := e.store.Meta("realm")
	switch {
	case err == nil:
		c.Realm = string(realm)
	case errors.Is(err, store.ErrNotFound):
		if c.Realm == "" {
			c.Realm = "hotline"
		}
		if err := e.store.PutMeta("realm", []byte(c.Realm)); err != nil {
			return fmt.Errorf("call: write the realm: %w", err)
		}
	default:
		return fmt.Errorf("call: read the realm: %w", err)
	}
	e.realm = c.Realm
	c.Accounts, c.OnCall, c.OnBinding, c.Log = e.account, e.onCall, e.onBinding, e.log
	c.MayReplace, c.MaySubscribe, c.OnTrunk = e.mayReplace, e.maySubscribe, e.onTrunk
	if c.Bindings, err = e.loadBindings(); err != nil {
		return err
	}
	if e.sip, err = sip.New(c); err != nil {
		return err
	}
	e.sip.SetTrunks(e.trunks(e.world.Load()))
	return nil
}

// Run runs the engine until ctx ends, then ends what runs and returns. It owns
// every goroutine: the planes outlive the calls, the dispatcher too.
func (e *Engine) Run(ctx context.Context) error {
	planes, end := context.WithCancel(context.Background())
	defer end()
	var outer sync.WaitGroup
	var sipErr error
	e.expect()
	outer.Go(func() { e.media.Run(planes) })
	outer.Go(func() { e.disp.run(planes) })
	outer.Go(func() { e.jobs.run(planes) })
	outer.Go(func() { e.writes.run(planes) })
	outer.Go(func() { e.runAgenda(planes) })
	outer.Go(func() { e.trim(planes) })
	outer.Go(func() { e.runLamps(planes) })
	before := e.begin() // calls must not come earlier
	outer.Go(func() {
		if sipErr = e.sip.Run(planes); sipErr != nil {
			e.stop(sipErr)
		}
	})
	e.recover(before)
	select {
	case <-ctx.Done():
	case <-e.ctx.Done():
	}
	e.mu.Lock() // no call is let in after that
	e.stop(ErrShutdown)
	e.mu.Unlock()
	e.waitCalls()
	end()
	outer.Wait()
	e.agenda.jobs.drain()
	e.jobs.drain()
	e.writes.drain()
	if err := e.store.Sync(); err != nil {
		return fmt.Errorf("call: last writes: %w", err)
	}
	return sipErr
}

// begin brings the ACD to where the last process left it and mends its recordings.
func (e *Engine) begin() past {
	last := e.lastStates() // before the ACD tells of agents who are logged out at first
	e.disp.must(e.world.Load().configure())
	if _, err := e.feedGrades(); err != nil {
		e.log.Error("evaluations were not read; grades begin anew", "err", err)
	}
	w := e.world.Load()
	for _, id := range sortedKeys(w.center.Agents) { // each gets the state he had, or his first one
		s, known := last[id]
		e.introduce(w, id, s, known)
	}
	e.agenda.jobs.add(func() {
		e.resumeCallbacks()
		e.remind(time.Now())
		e.allLamps()
	})
	return e.look()
}

// acdKept is how long the ACD's journal is kept for replay.
const acdKept = 30 * 24 * time.Hour

// trim forgets old events of the ACD, once a day; ends with ctx.
func (e *Engine) trim(ctx context.Context) {
	for {
		if err := e.store.TrimACD(time.Now().Add(-acdKept)); err != nil {
			e.log.Warn("old events of the acd were not deleted", "err", err)
		}
		e.suggest(ctx, time.Now())
		e.trimCallbacks(time.Now().Add(-callbackKept))
		t := time.NewTimer(24 * time.Hour)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
	}
}

// waitCalls waits for the calls to end, for the grace period at most.
func (e *Engine) waitCalls() {
	done := make(chan struct{})
	go func() { e.wg.Wait(); close(done) }() // ends with the last call; they all end, by their context
	t := time.NewTimer(e.cfg.Grace)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
		e.stats.Stuck.Add(1)
		e.log.Error("calls outlived the shutdown", "calls", e.running())
	}
}

func (e *Engine) call(id string) *Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[id]
}

func (e *Engine) running() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.calls)
}

// onMedia runs on the media engine's goroutine and never blocks.
func (e *Engine) onMedia(ev media.Event) {
	var id media.LegID
	switch ev := ev.(type) {
	case media.Digit:
		id = ev.Leg
	case media.Played:
		id = ev.Leg
	case media.Silent:
		id = ev.Leg
	case media.Heard:
		id = ev.Leg
	case media.Closed:
		id = ev.Leg
	case media.Hushed:
		id = ev.Leg
	case media.Recorded:
		e.writes.add(func() { e.recorded(ev) })
		return
	}
	if l, ok := e.legs.Load(id); ok {
		l.(*Leg).heard(ev)
	}
}

func (e *Engine) snapshotCalls() []*Call {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make([]*Call, 0, len(e.calls))
	for _, c := range e.calls {
		out = append(out, c)
	}
	return out
}

// jobs are tasks that must not hold up who has them to do; one goroutine does
// them in order. There are as many as events that led to them.
type jobs struct {
	mu   sync.Mutex // guards list
	list []func()
	wake chan struct{}
}

func (j *jobs) add(f func()) {
	j.mu.Lock()
	j.list = append(j.list, f)
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// run ends with ctx; drain does what is left.
func (j *jobs) run(ctx context.Context) {
	for {
		j.drain()
		select {
		case <-j.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (j *jobs) drain() {
	for {
		j.mu.Lock()
		list := j.list
		j.list = nil
		j.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, f := range list {
			f()
		}
	}
}
