package call_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/store"
)

func of[T any](v T) *T { return &v }

func TestWhatAnOperatorSetsOfACustomerStaysWhateverCallsAreRemembered(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		caller := b.phone("10.0.1.9:5060", phone.Config{User: customer})
		var wg sync.WaitGroup
		wg.Go(func() { // ends by itself
			for i := range 20 {
				if _, err := b.eng.SetCustomer(theOperator, customer, call.CustomerChange{Tier: of("gold"), Notes: of(fmt.Sprint("note ", i))}); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
		})
		for range 5 {
			c, err := caller.Call(b.ctx(), "4000")
			must(t, err)
			time.Sleep(2 * time.Second)
			c.Hangup()
		}
		wg.Wait()
		b.cdrs()
		v, err := b.eng.Customer(customer)
		must(t, err)
		if v.Tier != "gold" || v.Notes != "note 19" || v.Calls != 5 || v.Last.IsZero() || v.First.IsZero() {
			t.Errorf("customer: got %+v, want tier, last note and five calls", v.Customer)
		}
	})
}

func TestACustomerIsSetAsAWholeOrNotAtAll(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		got, err := b.eng.SetCustomer(theOperator, "+4989222", call.CustomerChange{Tier: of("gold"), Preferred: of("1001"),
			Never: of([]string{"1002", "1002"}), Language: of("zh"), Name: of("王芳")})
		must(t, err)
		if got.ID != "+4989222" || got.Preferred != "1001" || len(got.Never) != 1 || got.Language != "zh" || got.Name != "王芳" {
			t.Errorf("got %+v, want what was set", got)
		}
		for _, tc := range []struct {
			name   string
			id     string
			change call.CustomerChange
			want   error
			words  string
		}{
			{"tier", "+4989222", call.CustomerChange{Notes: of("x"), Tier: of("platinum")}, call.ErrBadValue, "one of gold"},
			{"preferred", "+4989222", call.CustomerChange{Notes: of("x"), Preferred: of("7")}, call.ErrBadValue, `no agent "7"`},
			{"never", "+4989222", call.CustomerChange{Notes: of("x"), Never: of([]string{"1002", "8"})}, call.ErrBadValue, `no agent "8"`},
			{"both", "+4989222", call.CustomerChange{Notes: of("x"), Never: of([]string{"1001"})}, call.ErrBadValue, "at once"},
			{"language", "+4989222", call.CustomerChange{Notes: of("x"), Language: of("xx")}, call.ErrBadValue, "one of en"},
			{"notes", "+4989222", call.CustomerChange{Notes: of(strings.Repeat("x", 2001))}, call.ErrBadValue, "at most 2000"},
			{"name", "+4989222", call.CustomerChange{Notes: of("x"), Name: of("a\x1b[2J")}, call.ErrBadValue, "name"},
			{"no number", "Ann", call.CustomerChange{Notes: of("x")}, call.ErrUnknown, "no number"},
			{"empty", "", call.CustomerChange{Notes: of("x")}, call.ErrUnknown, "no number"},
		} {
			if _, err := b.eng.SetCustomer(theOperator, tc.id, tc.change); !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("%s: got %v, want %v with %q", tc.name, err, tc.want, tc.words)
			}
		}
		if _, err := b.eng.SetCustomer(theOperator, "+4989222", call.CustomerChange{Tier: of("gold")}); err != nil {
			t.Errorf("set to what it is: got %v", err)
		}
		after, err := b.st.Customer("+4989222")
		must(t, err)
		if after.Notes != "" || after.Tier != "gold" {
			t.Errorf("after refusals: got %+v, want no note and tier gold", after)
		}
		b.wantChanges("change customer by operator:cli:root:  -> name 王芳, tier gold, preferred 1001, never 1002, language zh")
		if _, err := b.eng.SetCustomer(theOperator, "+4989222", call.CustomerChange{Never: of([]string{}), Preferred: of("")}); err != nil {
			t.Fatal(err)
		}
		if after, _ = b.st.Customer("+4989222"); len(after.Never) != 0 || after.Preferred != "" {
			t.Errorf("taken back: got %+v, want nobody", after)
		}
	})
}

func TestACustomerNobodyKnowsIsToldSo(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		if _, err := b.eng.Customer("+1"); !errors.Is(err, call.ErrUnknown) {
			t.Errorf("customer: got %v, want %v", err, call.ErrUnknown)
		}
		if _, err := b.eng.Grades("7"); !errors.Is(err, call.ErrUnknown) {
			t.Errorf("grades: got %v, want %v", err, call.ErrUnknown)
		}
		for _, who := range []string{"", "anonymous", "+1"} {
			if list, err := b.eng.Served(who); err != nil || len(list) != 0 {
				t.Errorf("contacts of %q: got %v, %v, want none", who, list, err)
			}
		}
	})
}

func TestTheControlReportTellsADifferenceAndWhenThereIsNone(t *testing.T) {
	inBubble(t, ratedCenter(), func(b *bed) {
		report := func() call.ControlReport {
			t.Helper()
			r, err := b.eng.ControlReport(store.Filter{})
			must(t, err)
			return r
		}
		if got := report().Verdict; !strings.Contains(got, "control: 0.1") {
			t.Errorf("without a control group: got %q, want what to set", got)
		}
		put := func(i int, control bool, stars int, wait time.Duration) {
			now := time.Now()
			id := fmt.Sprintf("%v-%d", control, i)
			c := store.CDR{ID: id, Began: now, Ended: now.Add(wait), Queue: "sales", Control: control,
				Stages: []store.Stage{{Name: "menu", Began: now.Add(-time.Hour), Ended: now}, {Name: "wait sales", Began: now, Ended: now.Add(wait)}}}
			if stars > 0 {
				c.Talks = []store.Talk{{Agent: "1001"}}
				must(t, b.st.PutEvaluation(store.Evaluation{ID: id + ".caller", Call: id, Side: store.SideCaller, Agent: "1001", Queue: "sales",
					Items: map[string]int{"attitude": stars}, At: now, Control: control}))
			} else {
				c.Cause.Blame = "caller"
			}
			must(t, b.st.PutCDR(c))
			time.Sleep(time.Second)
		}
		put(-1, false, 1, time.Hour) // before the control group began: does not count
		for i := range 10 {
			put(i, true, 3+i%2, 20*time.Second)
			put(i, false, 4+i%2, 30*time.Second)
		}
		if got := report(); got.Measures[0].Enough || !strings.Contains(got.Verdict, "Too few to tell: 10 rated contacts by the policy, 10 of the control group") {
			t.Errorf("ten of each: got %q", got.Verdict)
		}
		for i := range 90 {
			put(100+i, i%3 == 0, []int{3, 4, 5, 5, 4, 0}[i%6], 25*time.Second)
		}
		r := report()
		rating, wait, gone := r.Measures[0], r.Measures[1], r.Measures[2]
		if rating.Control.N != 40 || rating.Policy.N != 55 || wait.Control.N+wait.Policy.N != 110 || math.Abs(gone.Policy.Mean-15.0/70) > 1e-9 || gone.Control.Mean != 0 {
			t.Errorf("groups: got %+v", r.Measures)
		}
		if !rating.Enough || !(rating.Low < rating.Difference && rating.Difference < rating.High) || !(wait.Low < wait.High) {
			t.Errorf("intervals: got %+v", r.Measures)
		}
		if rating.Low > 0 && !strings.Contains(r.Verdict, "rated better by") || rating.Low <= 0 && !strings.Contains(r.Verdict, "No difference is proven") {
			t.Errorf("verdict: got %q with %+v", r.Verdict, rating)
		}
		other, err := b.eng.ControlReport(store.Filter{Queue: "help"})
		must(t, err)
		if len(other.Queues) != 0 {
			t.Errorf("another queue: got %v, want none", other.Queues)
		}
	})
}

func TestACustomerWhoWaitsMovesForwardWithHisTier(t *testing.T) {
	c := ratedCenter()
	c.Settings.Tiers["gold"] = store.Tier{Priority: store.Duration(time.Minute)}
	inBubble(t, c, func(b *bed) {
		place := func(number string) string {
			t.Helper()
			for _, v := range b.eng.Calls() {
				if v.Caller == number {
					w, err := b.eng.Why(v.ID)
					must(t, err)
					if !w.Running || len(w.Decisions) != 0 {
						t.Errorf("%s: got %+v, want a running call without an offer", number, w)
					}
					return w.Now
				}
			}
			return "gone"
		}
		first := b.dials(b.phone("10.0.1.8:5060", phone.Config{User: "4930111"}), "4001")
		time.Sleep(5 * time.Second)
		second := b.dials(b.phone("10.0.1.9:5060", phone.Config{User: "4930222"}), "4001")
		time.Sleep(5 * time.Second)
		if one, two := place("4930111"), place("4930222"); one != "The call waits at place 1." || two != "The call waits at place 2." {
			t.Errorf("at first: got %q and %q, want places 1 and 2", one, two)
		}
		if _, err := b.eng.SetCustomer(theOperator, "4930222", call.CustomerChange{Tier: of("gold")}); err != nil {
			t.Fatal(err)
		}
		if one, two := place("4930111"), place("4930222"); one != "The call waits at place 2." || two != "The call waits at place 1." {
			t.Errorf("with tier gold: got %q and %q, want places 2 and 1", one, two)
		}
		c.Settings.Tiers["gold"] = store.Tier{Priority: store.Duration(time.Second)}
		b.apply(store.Center{Settings: c.Settings})
		if one := place("4930111"); one != "The call waits at place 1." {
			t.Errorf("after the tier has lost its worth: got %q, want place 1", one)
		}
		first.Hangup()
		second.Hangup()
		b.cdrs()
	})
}
