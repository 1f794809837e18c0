package call

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"hotline/store/bolt"
)

// broken is a stage with a fault in the program.
type broken struct{}

func (broken) name() string                     { return "broken" }
func (broken) run(context.Context, *Call) stage { panic("oops") }

func TestAStageThatPanicsEndsItsOwnCallWithACause(t *testing.T) {
	st, err := bolt.Open(filepath.Join(t.TempDir(), "x.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	e := &Engine{store: st}
	e.metrics = newMetrics(e)
	caller := &Leg{eng: e}
	caller.ctx, caller.end = context.WithCancelCause(context.Background())
	c := &Call{id: "c", eng: e, caller: caller, log: slog.New(slog.DiscardHandler), began: time.Now()}
	ctx, cancel := context.WithCancelCause(context.Background())
	c.cancel = cancel
	if next := c.play(ctx, broken{}); next != nil {
		t.Errorf("the call goes on with %s", next.name())
	}
	if !errors.Is(context.Cause(ctx), ErrInternal) || e.stats.Panics.Load() != 1 {
		t.Errorf("cause is %v, %d panics counted; want internal and 1", context.Cause(ctx), e.stats.Panics.Load())
	}
	if v := c.verdict(context.Cause(ctx)); v.Status != 500 || v.Blame != "us" {
		t.Errorf("verdict is %+v, want 500 by us", v)
	}
}

func TestARingThatPanicsEndsItsOwnCall(t *testing.T) {
	e := &Engine{}
	c := &Call{id: "c", eng: e, log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancelCause(context.Background())
	c.cancel = cancel
	if err := <-c.answerOf(ctx, nil, acceptance{}, nil); !errors.Is(err, ErrInternal) || e.stats.Panics.Load() != 1 {
		t.Errorf("got %v, %d panics counted; want internal and 1", err, e.stats.Panics.Load())
	}
	if !errors.Is(context.Cause(ctx), ErrInternal) {
		t.Errorf("cause is %v, want internal", context.Cause(ctx))
	}
	e.wg.Wait()
}

func TestACallThatHasEndedIsNotMoved(t *testing.T) {
	for _, ended := range []bool{false, true} {
		ctx, cancel := context.WithCancelCause(t.Context())
		sctx, away := context.WithCancelCause(ctx)
		var r running
		r.set(sctx, away)
		if ended {
			cancel(ErrOperator)
		}
		if got := r.move(waitStage{}); got == ended {
			t.Errorf("ended %v: moved %v, want %v: who is told so waits for the stage to run", ended, got, !ended)
		}
		cancel(nil)
		away(nil)
	}
}
