package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/store"
)

// The demonstration has objects of its own in the center, so that it works
// beside anything an operator has configured and touches none of it.
const (
	demoAgentID  = "1090"
	demoCallerID = "1091"
	demoNumber   = "4090"
	demoQueue    = "demo"
)

// startWithin is how long an engine may take until it answers commands.
const startWithin = 10 * time.Second

func newDemoCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "demo", Short: "Show a whole call with two built-in softphones", Args: exactly(0),
		Long: `Places one call through the running process with this data directory; where none
runs, it starts one, with a sample center if the store is empty. Two softphones
speak recorded speech over real SIP and RTP: the caller chooses in the menu and
waits, the agent answers, they talk, the caller rates. Each stage is told as it
happens, then the call record and the recording; whether both heard each other
is measured. It takes less than 20 s.`,
	}
	addKeyFlags(cmd)
	stay := cmd.Flags().Bool("stay", false, "keep the process up afterwards, for real phones, and print their accounts")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return does(func(ctx context.Context, _ []string) error {
			c, err := a.load(keyFlags(cmd.Flags()))
			if err != nil {
				return flagFault(err)
			}
			return a.demo(ctx, c, *stay)
		})(cmd, nil)
	}
	return cmd
}

// demo finds or starts an engine and runs the demonstration on it.
func (a *app) demo(ctx context.Context, c config.Config, stay bool) error {
	a.dataFlag = c.Data
	client := api.NewClient(c.Data, actor())
	if _, err := client.Status(ctx); err == nil {
		return a.demonstrate(ctx, client)
	} else if !errors.Is(err, api.ErrNobody) {
		return err
	}
	level := quietLog{Handler: c.Logger(a.err).Handler(), quiet: new(atomic.Bool)}
	level.quiet.Store(true)
	s, err := open(c, slog.New(level), a.err)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }() // ends with stop, or by itself; waited for below
	if err := answering(ctx, client, ended); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	err = a.demonstrate(ctx, client)
	if err == nil && stay {
		level.quiet.Store(false)
		if err = a.printAccess(ctx, client); err == nil {
			select {
			case <-ctx.Done():
			case err := <-ended:
				stop()
				return err
			}
		}
	}
	stop()
	return errors.Join(err, <-ended)
}

// answering waits until the engine answers commands.
func answering(ctx context.Context, client *api.Client, ended chan error) error {
	limit := time.After(startWithin)
	for {
		if _, err := client.Status(ctx); err == nil {
			return nil
		}
		select {
		case err := <-ended:
			ended <- nil
			return fmt.Errorf("demo: the engine ended at its start: %w", err)
		case <-limit:
			return fmt.Errorf("demo: the engine does not answer after %v; try: hotline serve, and read its log", startWithin)
		case <-ctx.Done():
			return fmt.Errorf("demo: interrupted")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// demonstrate prepares the center and its two accounts, then runs the call.
func (a *app) demonstrate(ctx context.Context, client *api.Client) error {
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	sip, err := demoAddress(st.SIP)
	if err != nil {
		return err
	}
	if err := a.demoCenter(ctx, client); err != nil {
		return err
	}
	o := demoOptions{
		SIP: sip, Client: client, Number: demoNumber, Digits: "1", Rating: "5", Language: "en", Out: a.out,
		Caller: demoAccount{User: demoCallerID, Name: "Demo caller"}, Agent: demoAccount{User: demoAgentID},
	}
	for _, who := range []*demoAccount{&o.Caller, &o.Agent} {
		s, err := client.NewSecret(ctx, who.User)
		if err != nil {
			return err
		}
		who.Secret = s.Secret
	}
	return runDemo(ctx, o)
}

// demoAddress picks where the softphones reach the engine over UDP.
func demoAddress(listens []string) (string, error) {
	for _, l := range listens {
		if addr, ok := strings.CutPrefix(l, "udp://"); ok {
			addr = strings.Replace(addr, "0.0.0.0:", "127.0.0.1:", 1)
			return strings.Replace(addr, "[::]:", "[::1]:", 1), nil
		}
	}
	return "", errors.New("demo: the engine does not listen on UDP; try: --sip udp://127.0.0.1:5060")
}

// demoCenter adds the sample center to an empty store, and what the demonstration
// needs to any.
func (a *app) demoCenter(ctx context.Context, client *api.Client) error {
	was, err := client.Center(ctx, false)
	if err != nil {
		return err
	}
	if len(was.Center.Agents)+len(was.Center.Numbers)+len(was.Center.Flows) == 0 {
		text, _ := config.SampleCenter("en")
		f, err := config.ParseCenter("sample center", text)
		if err != nil {
			return err
		}
		if err := applyAll(ctx, client, f.Center); err != nil {
			return err
		}
		fmt.Fprintln(a.out, "the store was empty: applied the sample center (hotline init writes it as a file)")
	}
	return applyAll(ctx, client, demoObjects())
}

func applyAll(ctx context.Context, client *api.Client, c store.Center) error {
	res, err := client.Apply(ctx, call.ApplyRequest{Center: c, Actor: client.Actor})
	if err != nil {
		return err
	}
	if len(res.Problems) > 0 {
		p := res.Problems[0]
		return fmt.Errorf("demo: center: %s: %s; try: %s", p.Path, p.What, p.Try)
	}
	return nil
}

// demoObjects are a menu, a queue, a survey, an agent and a caller.
func demoObjects() store.Center {
	short := store.Duration(time.Second)
	return store.Center{
		Agents: map[string]store.Agent{
			demoAgentID:  {Name: "Demo agent", Queues: []string{demoQueue}, WrapUp: &short, State: "ready"},
			demoCallerID: {Name: "Demo caller"},
		},
		Queues: map[string]store.Queue{demoQueue: {
			Name: "Demonstration", RingTimeout: store.Duration(10 * time.Second), MaxWait: store.Duration(20 * time.Second),
			Announce: &store.Announce{}, Survey: "demo-rating",
		}},
		Numbers: map[string]store.Number{demoNumber: {Name: "Demonstration", To: "flow:demo", Language: "en"}},
		Flows: map[string]store.Flow{
			"demo": {Start: "welcome", Nodes: []byte(`{
				"welcome": {"kind": "play", "prompts": ["welcome"], "next": "choose"},
				"choose": {"kind": "menu", "prompts": ["menu-main"], "keys": {"1": "sales"}, "default": "sales"},
				"sales": {"kind": "queue", "queue": "demo"}}`)},
			"demo-rating": {Start: "ask", Nodes: []byte(`{
				"ask": {"kind": "survey", "items": [{"name": "service", "prompts": ["survey-service"]}], "next": "bye"},
				"bye": {"kind": "hangup"}}`)},
		},
	}
}

// printAccess says how real phones get in. A secret is made for each agent that
// has none, and printed this once.
func (a *app) printAccess(ctx context.Context, client *api.Client) error {
	st, err := client.Status(ctx)
	if err != nil {
		return err
	}
	var agents []call.AgentView
	if err := client.List(ctx, "agents", &agents); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nhotline stays up. Connect softphones at %s with these accounts:\n\n", strings.Join(st.SIP, " "))
	g := grid{head: []string{"ACCOUNT", "NAME", "SECRET"}}
	for _, v := range agents {
		if v.ID == demoAgentID || v.ID == demoCallerID {
			continue
		}
		secret := "made before; hotline agent secret " + v.ID + " --new --data " + a.dataFlag + " makes another"
		if !v.HasSecret {
			s, err := client.NewSecret(ctx, v.ID)
			if err != nil {
				return err
			}
			secret = s.Secret
		}
		g.add(v.ID, v.Name, secret)
	}
	if err := a.print(g); err != nil {
		return err
	}
	was, err := client.Center(ctx, false)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	n := grid{head: []string{"NUMBER", "NAME", "LEADS TO"}}
	for _, id := range slices.Sorted(maps.Keys(was.Center.Numbers)) {
		n.add(id, was.Center.Numbers[id].Name, was.Center.Numbers[id].To)
	}
	if err := a.print(n); err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, "\nctrl-C ends it")
	return err
}

// quietLog leaves out what is below warnings as long as it is quiet, so that the
// demonstration can be read.
type quietLog struct {
	slog.Handler
	quiet *atomic.Bool
}

func (h quietLog) Enabled(ctx context.Context, l slog.Level) bool {
	return (l >= slog.LevelWarn || !h.quiet.Load()) && h.Handler.Enabled(ctx, l)
}

func (h quietLog) WithAttrs(as []slog.Attr) slog.Handler {
	return quietLog{h.Handler.WithAttrs(as), h.quiet}
}

func (h quietLog) WithGroup(name string) slog.Handler {
	return quietLog{h.Handler.WithGroup(name), h.quiet}
}
