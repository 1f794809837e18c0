package call

import (
	"strings"
	"testing"

	"hotline/store"
)

func TestQueuesWithoutAgentsAndAgentsWithoutSkillsAreSaid(t *testing.T) {
	w := &world{center: store.Center{
		Agents: map[string]store.Agent{
			"1": {Queues: []string{"sales", "german"}, Skills: map[string]int{"german": 3}},
			"2": {Queues: []string{"german", "relaxed"}},
		},
		Queues: map[string]store.Queue{"sales": {}, "empty": {}, "named": {}, "region": {}, "german": {Needs: map[string]int{"german": 5}},
			"relaxed": {Needs: map[string]int{"german": 5}, Relax: []store.Relax{{After: 1, Needs: map[string]int{"german": 0}}}}},
		Numbers: map[string]store.Number{"4000": {To: "queue:named", Agents: []string{"1"}},
			"4001": {To: "queue:sales", Regions: []store.Region{{Prefixes: []string{"+"}, Queues: []string{"region"}, Agents: []string{"2"}}}}},
	}}
	want := []string{"queue empty has no agents: its callers wait until they are sent on; give agents queues: [empty]",
		"agent 1 serves queue german but gets no call of it: it needs german 5, he has 3",
		"agent 2 serves queue german but gets no call of it: it needs german 5, he has 0"}
	if got := strings.Join(w.advice(), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	if got := (&world{center: sound()}).advice(); len(got) != 1 || !strings.HasPrefix(got[0], "queue back ") {
		t.Errorf("a sound center: got %q, want that queue back has no agents", got)
	}
}
