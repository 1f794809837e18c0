package call

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hotline/acd"
	"hotline/store"
)

// noteCode recognises the feature codes of wrap-up; nil if it is none.
func noteCode(codes store.Codes, agent, number string) stage {
	after := func(code string) (rest string, ok bool) {
		if code == "" {
			return "", false
		}
		return strings.CutPrefix(number, code)
	}
	if codes.Nuisance != "" && number == codes.Nuisance {
		return nuisanceStage{agent}
	}
	if rest, ok := after(codes.Extend); ok && rest == "0" {
		return wrapUpStage{agent: agent, end: true}
	}
	if rest, ok := after(codes.Extend); ok && (rest == "" || len(rest) == 1 && rest >= "1" && rest <= "9") {
		minutes, _ := strconv.Atoi(rest) // 0: none said
		return wrapUpStage{agent: agent, extend: time.Duration(max(minutes, 1)) * time.Minute}
	}
	if rest, ok := after(codes.Note); ok && rest != "" {
		return wrapUpStage{agent: agent, code: rest}
	}
	return nil
}

// wrapUpStage is an agent who says by phone what came of his last call, or that he
// needs more time for it, or no more.
type wrapUpStage struct {
	agent  string
	code   string // digits of a disposition; "": extend or end
	extend time.Duration
	end    bool
}

func (s wrapUpStage) name() string {
	switch {
	case s.end:
		return "end wrap-up"
	case s.code == "":
		return "extend wrap-up"
	}
	return "note"
}

func (s wrapUpStage) run(ctx context.Context, c *Call) stage {
	said, actor := "agent-wrap-up", "agent:"+s.agent
	var err error
	switch {
	case s.end:
		said = "thank-you"
		err = c.eng.EndWrapUp(s.agent, actor)
	case s.code == "":
		err = c.eng.ExtendWrapUp(s.agent, s.extend, actor)
	default:
		said = "thank-you"
		var last string
		if last, err = c.eng.lastCall(s.agent); err == nil { // his present one is this
			_, err = c.eng.note(last, NoteRequest{Code: s.code}, actor)
		}
	}
	return c.codeDone(ctx, said, err)
}

// codeDone tells an agent whether what he dialled was done.
func (c *Call) codeDone(ctx context.Context, said string, err error) stage {
	if err != nil {
		said = "invalid-choice"
		c.note("refused: %v", err)
		c.log.Info("feature code refused", "call", c.id, "err", err)
	}
	c.blame(0, 16, "feature code", "us")
	if c.answer(ctx) == nil {
		c.say(ctx, said)
	}
	return nil
}

// ExtendWrapUp gives an agent more time after his call.
func (e *Engine) ExtendWrapUp(agent string, by time.Duration, actor string) error {
	if by < time.Second || by > acd.MaxWrapUp {
		return fmt.Errorf("agent %s: %s %w", agent, by, ErrBadExtend)
	}
	return e.wrapUp(agent, acd.WrapUpExtended{Agent: acd.AgentID(agent), By: by}, actor)
}

// EndWrapUp ends the time that an agent has after his call.
func (e *Engine) EndWrapUp(agent, actor string) error {
	return e.wrapUp(agent, acd.WrapUpDone{Agent: acd.AgentID(agent)}, actor)
}

func (e *Engine) wrapUp(agent string, ev acd.Event, actor string) error {
	if _, ok := e.world.Load().center.Agents[agent]; !ok {
		return fmt.Errorf("agent %s: %w", agent, ErrUnknown)
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	wraps := false
	err := e.disp.ask(ctx, func(c *acd.Core, _ time.Time) {
		for _, a := range c.Agents() {
			wraps = wraps || string(a.ID) == agent && a.State == acd.WrapUp
		}
	})
	switch {
	case err != nil:
		return err
	case !wraps:
		return fmt.Errorf("agent %s: %w", agent, ErrNoWrapUp)
	}
	if err := e.disp.send(ctx, ev); err != nil {
		return err
	}
	e.log.Info("wrap-up", "agent", agent, "event", fmt.Sprintf("%T", ev), "actor", actor)
	return e.disp.ask(ctx, func(*acd.Core, time.Time) {}) // seen by whoever asks next
}
