package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/acd/sim"
)

// simulateFlags are the flags of hotline simulate.
type simulateFlags struct {
	agents               int
	rate                 float64 // calls an hour
	talk, wrapUp         time.Duration
	talkShape, patience  string
	patienceShape        string
	spread               float64
	profile, skills      string
	hours, warmUp        time.Duration
	strategy             string
	headStart, idleStart time.Duration
	policy, compare      string
	quality              string
	rated, noise         float64
	history, customers   int
	back                 float64
	miss, decline        float64
	transfer, choose     float64
	hold                 time.Duration
	breaks, ring         time.Duration
	days                 int
	seed                 uint64
	sl                   string
	staff                bool
	center, rates        string
	pictures             string
	replay               replayFlags
	out                  *format
	asFiled              bool // the strategies are those of the center's file
}

func newSimulateCmd(a *app) *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use: "simulate", Short: "Simulate a day: staffing, strategies, or a real day under another policy", Args: exactly(0),
		Long: `Runs the ACD that serves real calls through simulated days and prints service level,
waits, abandonment, occupancy and the rating that callers get, with what Erlang's
formulas say of equal agents and steady traffic beside it. Nothing running is touched.

--compare runs several strategies on the same callers, patience and talk times.
--staff searches the least number of agents for the service level of --sl.
--center takes queues, agents and skills from a center.yaml.
--replay takes a real day from the ACD's journal and runs it under --policy.

A policy is a strategy with numbers, in the words of a queue in center.yaml:
"strategy=head-start head_start=60s", or short "head-start:head_start=60s". Strategies:
head-start, accumulating, counted, longest-idle, round-robin, fewest-calls,
least-talk, random, ring-all, in-order, by-skill.`,
		Example: `  hotline simulate --agents 20 --calls-per-hour 360 --talk 3m --patience 2m --sl 80/20
  hotline simulate --calls-per-hour 360 --staff
  hotline simulate --compare longest-idle,head-start,accumulating,counted --days 10
  hotline simulate --center center.yaml --rates sales=200,support=90
  hotline simulate --replay 2026-11-19 --policy 'strategy=head-start head_start=60s' --queue sales`,
	}
	f.addFlags(cmd)
	f.replay.addFlags(cmd)
	f.out = outputFlag(cmd)
	cmd.RunE = does(func(ctx context.Context, _ []string) error {
		if err := f.check(cmd); err != nil {
			return err
		}
		switch {
		case f.replay.day != "":
			return a.replay(ctx, f)
		case f.pictures != "":
			return a.pictures(ctx, f.pictures, pictureCalls)
		}
		c, err := f.build()
		if err != nil {
			return err
		}
		if f.staff {
			return a.staff(ctx, f, c)
		}
		return a.simulate(ctx, f, c)
	})
	return cmd
}

func (f *simulateFlags) addFlags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.IntVar(&f.agents, "agents", 20, "agents")
	fl.Float64Var(&f.rate, "calls-per-hour", 340, "calls an hour, Poisson")
	fl.DurationVar(&f.talk, "talk", 3*time.Minute, "mean talk")
	fl.StringVar(&f.talkShape, "talk-shape", "exponential", "exponential, lognormal or fixed")
	fl.Float64Var(&f.spread, "talk-spread", 1, "of lognormal talks: standard deviation over mean")
	fl.StringVar(&f.patience, "patience", "2m", "mean time until a waiting caller hangs up, or none")
	fl.StringVar(&f.patienceShape, "patience-shape", "exponential", "exponential, lognormal or fixed")
	fl.DurationVar(&f.wrapUp, "wrap-up", 0, "after-call work")
	fl.DurationVar(&f.ring, "ring", 0, "mean time until an agent picks up")
	fl.StringVar(&f.profile, "profile", "", "factors of the calls an hour in steps of 15 min, over and over: 0.3,1,1.6; or day: a day of 12 h from 0.3 to 1.6")
	fl.StringVar(&f.skills, "skills", "", "skills as name=agents/share of calls: zh=5/0.2,billing=8/0.3")
	fl.DurationVar(&f.hours, "hours", 12*time.Hour, "length of a day")
	fl.DurationVar(&f.warmUp, "warm-up", time.Hour, "before it, not counted")
	fl.StringVar(&f.strategy, "strategy", "head-start", "how calls and agents are chosen")
	fl.DurationVar(&f.headStart, "head-start", 30*time.Second, "H of head-start: most that a caller's standing is worth")
	fl.DurationVar(&f.idleStart, "idle-start", time.Minute, "G of head-start: most that an agent's grade is worth")
	fl.StringVar(&f.policy, "policy", "", "a strategy with its numbers, instead of --strategy")
	fl.StringVar(&f.compare, "compare", "", "several policies, separated by commas, on the same chance")
	fl.StringVar(&f.quality, "quality", "3.4-4.6", "true quality of the worst and the best agent in stars")
	fl.Float64Var(&f.rated, "rated", 0.3, "share of served calls that are rated")
	fl.Float64Var(&f.noise, "noise", 0.9, "standard deviation of a rating around the true quality, in stars")
	fl.IntVar(&f.customers, "customers", 0, "different callers, who call again and again; 0: each calls once")
	fl.Float64Var(&f.back, "customers-rated", 0, "with --customers: share of talks after which the agent rates the caller; 0: standings are known")
	fl.IntVar(&f.history, "ratings-before", 50, "ratings that each agent has from before")
	fl.Float64Var(&f.miss, "missed", 0, "share of offers that agents let ring out")
	fl.Float64Var(&f.decline, "declined", 0, "share of offers that agents decline")
	fl.Float64Var(&f.transfer, "transferred", 0, "share of talks after which the caller is queued again")
	fl.Float64Var(&f.choose, "choose", 0, "share of callers who choose the best of three agents by rating")
	fl.DurationVar(&f.hold, "hold", 30*time.Second, "how long they hold for him")
	fl.DurationVar(&f.breaks, "break", 0, "break of each agent in the middle of the day, one after the other")
	fl.IntVar(&f.days, "days", 5, "days, each with a seed of its own")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of the first day")
	fl.StringVar(&f.sl, "sl", "80/20", "service level aimed at: percent/seconds")
	fl.BoolVar(&f.staff, "staff", false, "search the least number of agents for the service level")
	fl.StringVar(&f.center, "center", "", "center.yaml to take queues, agents and skills from")
	fl.StringVar(&f.pictures, "pictures", "", "write the pictures of docs/routing.md to this folder, and nothing else")
	fl.StringVar(&f.rates, "rates", "", "with --center: calls an hour by queue, sales=200,support=90 (default: --calls-per-hour shared evenly)")
}

// check refuses flags that make no sense, before anything is simulated.
func (f *simulateFlags) check(cmd *cobra.Command) error {
	bad := func(flag string, value any, why, try string) error {
		return usageError{fmt.Sprintf("simulate: --%s %v: %s", flag, value, why), try}
	}
	switch {
	case f.agents < 1 || f.agents > 5000:
		return bad("agents", f.agents, "a center has 1 to 5000 agents", "--agents 20")
	case !(f.rate > 0 && f.rate <= 1e6):
		return bad("calls-per-hour", f.rate, "must be more than 0", "--calls-per-hour 340")
	case f.talk <= 0 || f.talk > 24*time.Hour:
		return bad("talk", f.talk, "must be more than 0", "--talk 3m")
	case f.hours <= 0 || f.hours > 1000*time.Hour:
		return bad("hours", f.hours, "must be more than 0", "--hours 12h")
	case f.days < 1 || f.days > 1000:
		return bad("days", f.days, "must be 1 to 1000", "--days 5")
	case f.replay.day == "" && f.replay.queue != "":
		return bad("queue", f.replay.queue, "goes with --replay", "--rates "+f.replay.queue+"=200 with --center")
	case f.replay.day != "" && f.policy == "" && !cmd.Flags().Changed("strategy"):
		return bad("replay", f.replay.day, "needs another policy to compare with", "--policy 'strategy=head-start head_start=60s'")
	case f.replay.examples < 0:
		return bad("examples", f.replay.examples, "can't be negative", "--examples 10")
	case f.customers < 0 || f.back > 0 && f.customers == 0:
		return bad("customers", f.customers, "standings are learned from callers who call again", "--customers 500")
	case f.rates != "" && f.center == "":
		return bad("rates", f.rates, "goes with --center", "--calls-per-hour 340")
	case f.skills != "" && f.center != "":
		return bad("skills", f.skills, "the skills are in the center", "leave it out")
	case f.staff && (f.center != "" || f.compare != "" || f.profile != ""):
		return bad("staff", true, "searches for one queue with steady traffic", "leave out --center, --compare and --profile")
	case f.policy != "" && cmd.Flags().Changed("strategy"):
		return bad("policy", f.policy, "it names the strategy", "leave out --strategy")
	case f.warmUp < 0 || f.wrapUp < 0 || f.ring < 0 || f.headStart < 0 || f.idleStart < 0 || f.hold < 0 || f.breaks < 0:
		return usageError{"simulate: a time is negative", "0 or more"}
	}
	for _, s := range []struct {
		flag  string
		value float64
	}{{"rated", f.rated}, {"customers-rated", f.back}, {"missed", f.miss}, {"declined", f.decline}, {"transferred", f.transfer}, {"choose", f.choose}} {
		if !(s.value >= 0 && s.value <= 1) {
			return bad(s.flag, s.value, "a share is 0 to 1", "--"+s.flag+" 0.1")
		}
	}
	if f.rated*f.noise < 0 || f.noise < 0 || f.spread < 0 || f.history < 0 {
		return usageError{"simulate: --noise, --talk-spread and --ratings-before can't be negative", "0 or more"}
	}
	f.asFiled = f.center != "" && f.compare == "" && f.policy == "" && !cmd.Flags().Changed("strategy")
	_, _, err := f.level()
	return err
}

// level is the service level aimed at: share and limit.
func (f *simulateFlags) level() (share float64, within time.Duration, err error) {
	percent, seconds, ok := strings.Cut(f.sl, "/")
	var p, s float64
	if _, err := fmt.Sscanf(percent+" "+seconds, "%g %g", &p, &s); !ok || err != nil || !(p > 0 && p < 100 && s >= 0 && s <= 3600) {
		return 0, 0, usageError{fmt.Sprintf("simulate: --sl %s: is no service level", f.sl), "--sl 80/20 for 80 percent within 20 seconds"}
	}
	return p / 100, time.Duration(s * float64(time.Second)), nil
}

// policies are what is compared, or the one that was asked for.
func (f *simulateFlags) policies() ([]sim.Policy, error) {
	if f.asFiled {
		return []sim.Policy{{Text: "as in " + f.center}}, nil
	}
	texts := strings.Split(f.compare, ",")
	if f.compare == "" {
		texts = []string{f.policy}
		if f.policy == "" {
			texts[0] = f.strategy
		}
	}
	var all []sim.Policy
	for _, t := range texts {
		p, err := sim.ParsePolicy(t)
		if err != nil {
			what, try, _ := strings.Cut(err.Error(), "; try")
			return nil, usageError{"simulate: " + what, strings.TrimLeft(try, ": ")}
		}
		all = append(all, p)
	}
	return all, nil
}
