package e2e_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// watches starts the lamp of a desk phone for an agent, a queue or a number.
func (h *hotline) watches(user, secret, whom string, args ...string) *sipp {
	h.t.Helper()
	return sippCmd{scenario: "lamp", ip: "127.0.0.1", service: whom, remote: h.addr(), vars: []string{"[user]", user, "[secret]", secret},
		args: append([]string{"-m", "1"}, args...)}.run(h.t)
}

var (
	lampDocument = regexp.MustCompile(`(?s)<dialog-info.*?(</dialog-info>|/>)`)
	lampState    = regexp.MustCompile(`<state>(\w+)</state>`)
)

// lamps are the states that a lamp was told, "dark" without a call, each once.
func (s *sipp) lamps() []string {
	var all []string
	for _, doc := range lampDocument.FindAllString(s.messages(), -1) {
		var states []string
		for _, m := range lampState.FindAllStringSubmatch(doc, -1) {
			states = append(states, m[1])
		}
		if states == nil {
			states = []string{"dark"}
		}
		all = append(all, strings.Join(states, " "))
	}
	return slices.Compact(all)
}

// lit waits until a lamp has shown these states and no others.
func (s *sipp) lit(h *hotline, want ...string) {
	h.t.Helper()
	h.within(15*time.Second, "the lamp", func() error {
		if got := s.lamps(); !slices.Equal(got, want) {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	})
}

func TestLampsFollowABaresipAgentAndHisQueue(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/desk.yaml", "127.0.0.1:@PORT@", outsideIP()) // what comes by TCP from a trunk's host is the trunk's
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, answer: "manual"})
	secret := h.secret("1002")
	agent, queue := h.watches("1002", secret, "1001"), h.watches("1002", secret, "4001", "-t", "t1")
	agent.lit(h, "dark")
	queue.lit(h, "dark")
	caller := h.talker()
	agent.lit(h, "dark", "early")
	queue.lit(h, "dark", "early")
	ann.do("accept")
	hearsTone(t, "the caller", caller.ear.heard, 440)
	agent.lit(h, "dark", "early", "confirmed")
	queue.lit(h, "dark", "early", "dark")
	caller.next()
	hearsTone(t, "the agent", ann.heard, 880)
	ann.do("hangup")
	caller.passes(10 * time.Second)
	agent.lit(h, "dark", "early", "confirmed", "dark")
}

// Neither baresip 1.0 nor linphonec heeds the headers, so this phone is sipp.
func TestAPhoneIsAskedToAnswerByItself(t *testing.T) {
	t.Parallel()
	h, _ := desk(t)
	port := freePort(t)
	h.apply("testdata/phones/rings.yaml", "@RINGS@", fmt.Sprint(port), "state: not ready, contact", "state: not ready, auto_answer: true, contact")
	carol := sippCmd{scenario: "byitself", ip: "127.0.0.1", port: port, tone: 600, hears: true, args: []string{"-m", "1"}}.run(t)
	h.cli("agent", "state", "1003", "ready")
	caller := h.talker()
	hearsTone(t, "the caller", caller.ear.heard, 600)
	caller.next()
	hearsTone(t, "who answered by himself", carol.ear.heard, 880)
	h.cli("call", "hangup", h.stage("talk").ID)
	caller.passes(10 * time.Second)
	carol.passes(10 * time.Second)
	if c := h.cdr(); len(c.Talks) != 1 || c.Talks[0].Agent != "1003" || c.Recording == "" {
		t.Errorf("got %+v, want a recorded talk with 1003", c.Talks)
	}
}
